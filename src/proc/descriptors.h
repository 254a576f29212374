/* How a worker's descriptors are shared out. */
#pragma once

struct descriptors {
    unsigned all;     /* that the process may have */
    unsigned clients; /* for connections of clients; the rest is for next hops, files and the DNS */
    unsigned dns;     /* of these, for questions to the DNS */
};

/* Of this process: an eighth, 64 at least, is kept for others than clients, so that mail flows
 * whoever is connected. */
struct descriptors descriptors_here(void);

/* Has the kernel make its table of descriptors as large as many clients need, before there is a
 * second thread: from then on whoever opens the one for which the table must grow waits until all
 * processors have looked up, which is tens of milliseconds in which a loop stands still. */
void descriptors_make_room(void);
