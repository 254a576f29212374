/* HTML as it is shown: its text, its links, and what is remarkable about it. */
#pragma once

#include "inspect/inspect_impl.h"
#include "inspect/urls.h"

/* Over all HTML of a message. */
struct html_counts {
    size_t images;  /* that are shown from elsewhere or from the message */
    size_t letters; /* that are shown */
};

/* Reads one HTML part, in UTF-8. Its text is appended to *words (as words_append), up to `most`
 * octets; its URLs go to *urls, and members to html.traits. False when the text did not fit. */
bool html_read(struct inspect_run *run, struct slice html, struct buf *words, size_t most,
               struct urls *urls, struct html_counts *counts);
