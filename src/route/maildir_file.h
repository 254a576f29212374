/* One message being written into one Maildir: the file work, to be run inside rt_call. Private to
 * src/route; maildir.c says when.
 *
 * Every system call goes through rt/sys.h. Nothing here waits on the loop, and nothing shows up in
 * new/ before maildir_file_publish. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

struct maildir_file {
    const char *folder; /* of the mailbox: holds tmp, new and cur */
    const char *above;  /* the mailbox's, where `folder` is one within it (Maildir++); else NULL */
    const char *tmp;    /* whole paths */
    const char *target;
    struct slice sender;
    struct slice trace;
    int fd;         /* -1: not open */
    bool exists;    /* the file in tmp does */
    struct buf out; /* what is written next, with LF line ends */
};

/* Where a mailbox is looked for, and what came of it. */
struct maildir_search {
    const char *exact;
    const char *lower;   /* NULL: the same */
    const char *root;    /* the folder that both are below */
    const char *culprit; /* what cannot be reached */
    const char *hint;    /* what may be the matter with it; perhaps "" */
};

/* Which of the two folders is there: 0 `exact`, 1 `lower`, -ENOENT for neither. Another error where
 * it cannot be reached, or the root cannot, which says nothing of the mailbox; then `culprit` and
 * `hint` are set. */
int maildir_file_find(struct maildir_search *s);

/* Writes the next piece of the message, which has no bare CR. The first makes the folders where
 * they are missing, and the file with Return-Path and trace in front; the last ends the line where
 * `ends_in_line` is false, syncs and closes it. 0, or what failed. */
int maildir_file_write(struct maildir_file *f, struct slice piece, bool first, bool last,
                       bool ends_in_line);

/* Moves the file into new and syncs that folder. *ret_renamed says whether it got there; the result
 * is 0 only when it will also stay there. */
int maildir_file_publish(struct maildir_file *f, bool *ret_renamed);

/* Closes, and removes the file where it is still in tmp. */
void maildir_file_discard(struct maildir_file *f);
