// SPDX-License-Identifier: EUPL-1.2

#include "cpostgres.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int cpostgres_wake_open(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void cpostgres_wake_raise(int wake) {
    uint64_t one = 1;
    // A counter that is full is raised already.
    ssize_t ignored = write(wake, &one, sizeof one);
    (void)ignored;
}

void cpostgres_wake_lower(int wake) {
    uint64_t count;
    ssize_t ignored = read(wake, &count, sizeof count);
    (void)ignored;
}

void cpostgres_wake_close(int wake) { close(wake); }

int64_t cpostgres_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cpostgres_wait(int socket, int for_writing, int wake, int64_t milliseconds) {
    struct pollfd waited[2] = {
        {.fd = socket, .events = for_writing ? POLLIN | POLLOUT : POLLIN},
        {.fd = wake, .events = POLLIN},
    };
    int64_t end = milliseconds < 0 ? 0 : cpostgres_milliseconds() + milliseconds;
    for (;;) {
        int64_t left = milliseconds < 0 ? -1 : end - cpostgres_milliseconds();
        if (milliseconds >= 0 && left < 0) left = 0;
        int result = poll(waited, 2, left > INT_MAX ? INT_MAX : (int)left);
        if (result > 0) return waited[1].revents != 0 ? 2 : 1;
        if (result == 0 && left <= INT_MAX) return 0;
        if (result < 0 && errno != EINTR) return -errno;
    }
}
