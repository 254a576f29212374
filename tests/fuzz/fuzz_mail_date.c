/* Dates: what is read lies between the years 1900 and 9999, and is read again from how we write it.
 */
#include "fuzz.h"

#include "parse/mail_date.h"

#define DAY (86400 * USEC_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice body = {fuzz_copy(data, size), size};
    char text[TIME_RFC5322_MAX];
    usec_t wall, again;

    if (mail_date_parse(body, &wall) == 0) {
        FUZZ_CHECK(wall >= -25567 * DAY - 5 * DAY && wall <= 2932897 * DAY + 5 * DAY);
        if (wall >= 0 && wall < 2932000 * DAY) {
            time_format_rfc5322(wall, text);
            FUZZ_CHECK(mail_date_parse(slice_of(text), &again) == 0 && again == wall);
        }
    }
    free((char *)body.p);
    return 0;
}
