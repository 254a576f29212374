"""What the tests with real peers are built from: processes, mail servers, a raw client, mailboxes."""
