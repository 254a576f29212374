/* What a trial hands over as the files it has read: any octets are refused or become files that can
 * be asked for, and what was understood is written again in the same octets. */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proc/snapshot.h"

static void check_written_again(struct snapshot *s, struct slice octets)
{
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    struct snapshot *again = NULL;
    char *written = malloc(octets.n + 1);

    FUZZ_CHECK(fd >= 0 && written != NULL);
    FUZZ_CHECK(snapshot_write(s, fd) == 0);
    ssize_t n = pread(fd, written, octets.n + 1, 0);
    FUZZ_CHECK(n >= 0 && (size_t)n <= octets.n); /* numbers may have had zeros in front */
    FUZZ_CHECK(snapshot_read(fd, &again) == 0);
    (void)snapshot_free(again);
    free(written);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice octets = {fuzz_copy(data, size), size};
    struct snapshot *const untouched = (void *)1;
    struct snapshot *s = untouched;
    int r = snapshot_parse(octets, &s);

    FUZZ_CHECK(r == 0 || r == -EBADMSG);
    FUZZ_CHECK((s == untouched) == (r < 0));
    if (r == 0) {
        struct conf_reader reader = snapshot_reader(s);
        struct buf text = {0};
        r = reader.read(reader.arg, "/a", &text);
        FUZZ_CHECK(r == 0 || (r == -ENOENT && text.n == 0));
        buf_free(&text);
        check_written_again(s, octets);
        (void)snapshot_free(s);
    }
    free((char *)(uintptr_t)octets.p);
    return 0;
}
