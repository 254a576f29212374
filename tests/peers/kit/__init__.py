"""What the tests with real peers are built from: processes, mail servers, a raw client, mailboxes."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))  # for ports.py
