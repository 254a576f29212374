/* What is odd about a message, by the rows of tbl/anomalies.h. */
#pragma once

#include "inspect/inspect_impl.h"

enum anomaly {
#define ANOMALY(ident, name, prose)         ANOMALY_##ident,
#define ANOMALY_READERS(ident, name, prose) ANOMALY_##ident,
#include "tbl/anomalies.h"
#undef ANOMALY
#undef ANOMALY_READERS
    ANOMALIES
};

struct anomaly_row {
    const char *name;
    const char *prose;
    bool readers; /* differ: "ambiguous" goes with it */
};

extern const struct anomaly_row anomaly_rows[ANOMALIES];

/* Enters it among mime.anomalies. */
void inspect_odd(struct inspect_run *run, enum anomaly which);
