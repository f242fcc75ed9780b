// SPDX-License-Identifier: EUPL-1.2

// libpq without linking it: the program is one file that runs on any machine, so libpq.so.5 is
// opened when it is first needed. The ABI of these functions has not changed since PostgreSQL 9.
// Each function does what libpq's of the same name does, and must not be called before
// cpostgres_load() succeeded.
#ifndef CPOSTGRES_H
#define CPOSTGRES_H

#include <stddef.h>
#include <stdint.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

typedef struct {
    char *keyword;
    char *envvar;
    char *compiled;
    char *val;
    char *label;
    char *dispchar;
    int dispsize;
} PQconninfoOption;

// The values of libpq's enumerations, which it promises not to renumber.
static const int cpostgres_connection_bad = 1;
static const int cpostgres_polling_failed = 0, cpostgres_polling_writing = 2,
                 cpostgres_polling_ok = 3;
static const int cpostgres_command_ok = 1, cpostgres_tuples_ok = 2, cpostgres_copy_out = 3,
                 cpostgres_copy_in = 4, cpostgres_copy_both = 8, cpostgres_single_tuple = 9;

// NULL where libpq is there; else why not, as text that stays. From any thread.
const char *cpostgres_load(void);

PGconn *cpostgres_PQconnectStartParams(const char *const *keywords, const char *const *values,
                                       int expand_dbname);
int cpostgres_PQconnectPoll(PGconn *conn);
int cpostgres_PQstatus(const PGconn *conn);
int cpostgres_PQsocket(const PGconn *conn);
char *cpostgres_PQerrorMessage(const PGconn *conn);
char *cpostgres_PQpass(const PGconn *conn);
int cpostgres_PQserverVersion(const PGconn *conn);
void cpostgres_PQfinish(PGconn *conn);
int cpostgres_PQsetnonblocking(PGconn *conn, int arg);
int cpostgres_PQsendQuery(PGconn *conn, const char *query);
int cpostgres_PQsetSingleRowMode(PGconn *conn);
int cpostgres_PQflush(PGconn *conn);
int cpostgres_PQconsumeInput(PGconn *conn);
int cpostgres_PQisBusy(PGconn *conn);
PGresult *cpostgres_PQgetResult(PGconn *conn);
void cpostgres_PQclear(PGresult *res);
int cpostgres_PQresultStatus(const PGresult *res);
char *cpostgres_PQresultErrorField(const PGresult *res, int fieldcode);
char *cpostgres_PQresultErrorMessage(const PGresult *res);
int cpostgres_PQntuples(const PGresult *res);
int cpostgres_PQnfields(const PGresult *res);
char *cpostgres_PQgetvalue(const PGresult *res, int row, int column);
int cpostgres_PQgetlength(const PGresult *res, int row, int column);
int cpostgres_PQgetisnull(const PGresult *res, int row, int column);
int cpostgres_PQgetCopyData(PGconn *conn, char **buffer, int async);
int cpostgres_PQputCopyData(PGconn *conn, const char *buffer, int nbytes);
int cpostgres_PQputCopyEnd(PGconn *conn, const char *errormsg);
void cpostgres_PQfreemem(void *ptr);
PQconninfoOption *cpostgres_PQconninfoParse(const char *conninfo, char **errmsg);
void cpostgres_PQconninfoFree(PQconninfoOption *options);
void cpostgres_PQsetNoticeProcessor(PGconn *conn, void (*processor)(void *, const char *),
                                    void *argument);

// What wakes a thread that waits: an eventfd(2), level-triggered. -1 where there is none.
int cpostgres_wake_open(void);
void cpostgres_wake_raise(int wake);
void cpostgres_wake_lower(int wake);
void cpostgres_wake_close(int wake);

// Waits for the socket, the wake descriptor (or -1) or the time (-1: for ever); made anew where a
// signal interrupts it. 1 the socket, 2 the wake, 0 the time; negative errno.
int cpostgres_wait(int socket, int for_writing, int wake, int64_t milliseconds);

// Milliseconds of a clock that nobody sets.
int64_t cpostgres_milliseconds(void);

// CRC-32C (RFC 3720, B.4) over more bytes, from 0xffffffff and without the final complement. With
// the processor's instruction where it has one and `plain` is 0.
uint32_t cpostgres_crc32c(uint32_t crc, const void *bytes, size_t count, int plain);

#endif
