// SPDX-License-Identifier: EUPL-1.2

#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

const int clinux_o_noatime = O_NOATIME;
const int clinux_o_path = O_PATH;
const int clinux_seek_data = SEEK_DATA;
const int clinux_seek_hole = SEEK_HOLE;
const long clinux_utime_omit = UTIME_OMIT;

ssize_t clinux_getdents64(int directory, void *buffer, size_t size) {
    return syscall(SYS_getdents64, directory, buffer, size);
}

int clinux_rename_noreplace(int directory, const char *from, const char *to) {
    return renameat2(directory, from, directory, to, RENAME_NOREPLACE);
}

unsigned int clinux_major(uint64_t device) { return major(device); }

unsigned int clinux_minor(uint64_t device) { return minor(device); }

uint64_t clinux_makedev(unsigned int maj, unsigned int min) { return makedev(maj, min); }

ssize_t clinux_getrandom(void *buffer, size_t size) { return getrandom(buffer, size, 0); }

int clinux_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    return CPU_COUNT(&set);
}

int clinux_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

int clinux_keep_memory(int bytes) {
    // Both or neither: the second alone would also freeze the first at its low default.
    return mallopt(M_MMAP_THRESHOLD, bytes) == 1 && mallopt(M_TRIM_THRESHOLD, bytes) == 1;
}

static int stop_event = -1;

static void note_stop(int signal) {
    (void)signal;
    int before = errno;
    uint64_t one = 1;
    // The counter is never read, so that everybody who waits sees it, for good.
    ssize_t written = write(stop_event, &one, sizeof one);
    (void)written;
    errno = before;
}

int clinux_note_stop_signals(void) {
    if (stop_event < 0) stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_event < 0) return -1;
    // The second of a kind ends the process at once.
    struct sigaction action = {.sa_handler = note_stop, .sa_flags = SA_RESTART | SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], &action, NULL) != 0) return -1;
    return 0;
}

int clinux_wait_for_stop(int milliseconds) {
    struct pollfd wait = {.fd = stop_event, .events = POLLIN};
    int ready = poll(&wait, 1, milliseconds);
    // A signal that interrupts the wait may be the one that is waited for.
    if (ready < 0 && errno == EINTR) ready = poll(&wait, 1, 0);
    return ready == 1;
}

enum { stop_words = 16 };
static char *stop_arguments[stop_words + 2];
static int stop_count;
static char stop_number[] = "00";
static pid_t stop_process;

int clinux_add_stop_argument(const char *argument) {
    if (stop_count >= stop_words) return -1;
    char *copy = strdup(argument);
    if (copy == NULL) return -1;
    stop_arguments[stop_count++] = copy;
    return 0;
}

// Only what may be called in a handler (signal-safety(7)): execv() ends all other threads.
static void become(int signal) {
    // A child that is not another program yet has this handler too.
    if (getpid() != stop_process) _exit(128 + signal);
    stop_number[0] = (char)('0' + signal / 10);
    stop_number[1] = (char)('0' + signal % 10);
    execv("/proc/self/exe", stop_arguments);
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(signal, &usual, NULL);
    raise(signal);
}

int clinux_become_on_stop(void) {
    stop_process = getpid();
    stop_arguments[stop_count] = stop_number;
    stop_arguments[stop_count + 1] = NULL;
    const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    const unsigned count = sizeof signals / sizeof *signals;
    struct sigaction action = {.sa_handler = become, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < count; i++) sigaddset(&action.sa_mask, signals[i]);
    for (unsigned i = 0; i < count; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) != 0) return -1;
        if (before.sa_handler != SIG_IGN && sigaction(signals[i], &action, NULL) != 0) return -1;
    }
    return 0;
}

int clinux_unblock_stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return sigprocmask(SIG_UNBLOCK, &set, NULL);
}
