// SPDX-License-Identifier: EUPL-1.2

// What Linux offers and Swift's Glibc module does not reach. Nothing here decides anything: each
// function is one call of the system and leaves its reason in errno as that call does.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/xattr.h>

// Flags hidden behind _GNU_SOURCE, whose numbers differ between processors.
extern const int clinux_o_noatime;
extern const int clinux_o_path;
extern const int clinux_seek_data;
extern const int clinux_seek_hole;
extern const long clinux_utime_omit;

// Entries of a directory as the kernel packs them; 0 at the end. See getdents64(2).
ssize_t clinux_getdents64(int directory, void *buffer, size_t size);

// renameat2(2) with RENAME_NOREPLACE, within one directory.
int clinux_rename_noreplace(int directory, const char *from, const char *to);

unsigned int clinux_major(uint64_t device);
unsigned int clinux_minor(uint64_t device);
uint64_t clinux_makedev(unsigned int major, unsigned int minor);

ssize_t clinux_getrandom(void *buffer, size_t size);

// Processors on which this process may run, 0 where the kernel does not say.
int clinux_cores(void);

// Raises the limit of open files to the most allowed; 0 where it was done, as setrlimit(2).
int clinux_raise_file_limit(void);

// Lets malloc keep freed memory up to `bytes`; 1 where it agreed, as mallopt(3).
int clinux_keep_memory(int bytes);

// From now on SIGTERM, SIGINT and SIGHUP do not end the process but are noted; 0 where it was done.
int clinux_note_stop_signals(void);

// The next word of the command line that this program becomes when it is told to stop; -1 where
// there are too many.
int clinux_add_stop_argument(const char *argument);

// From now on such a signal makes this process run its program anew with that command line, and the
// number of the signal as last word: all threads end at once, and the signals stay blocked. One
// that is ignored stays so. 0 where it was done.
int clinux_become_on_stop(void);

// Lets signals in that were blocked while the program was run anew.
int clinux_unblock_stop_signals(void);

// Waits until such a signal was noted, for `milliseconds` at most; 1 where one was, at any time.
int clinux_wait_for_stop(int milliseconds);

#endif
