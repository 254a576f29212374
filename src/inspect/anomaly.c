/* See inspect/anomaly.h. */
#include "inspect/anomaly.h"

const struct anomaly_row anomaly_rows[ANOMALIES] = {
#define ANOMALY(ident, name, prose)         [ANOMALY_##ident] = {name, prose, false},
#define ANOMALY_READERS(ident, name, prose) [ANOMALY_##ident] = {name, prose, true},
#include "tbl/anomalies.h"
#undef ANOMALY
#undef ANOMALY_READERS
};

void inspect_odd(struct inspect_run *run, enum anomaly which)
{
    if (run->odd[which]) {
        return;
    }
    run->odd[which] = true;
    inspect_add_name(run, FINDING_OF_MIME_ANOMALIES, anomaly_rows[which].name);
    if (anomaly_rows[which].readers) {
        inspect_odd(run, ANOMALY_AMBIGUOUS);
    }
}
