// SPDX-License-Identifier: EUPL-1.2

#include "cpostgres.h"

#include <dlfcn.h>
#include <pthread.h>

// name, result, parameters, arguments
#define FUNCTIONS                                                                                  \
    F(PQconnectStartParams, PGconn *,                                                              \
      (const char *const *k, const char *const *v, int e), (k, v, e))                              \
    F(PQconnectPoll, int, (PGconn * c), (c))                                                       \
    F(PQstatus, int, (const PGconn *c), (c))                                                       \
    F(PQsocket, int, (const PGconn *c), (c))                                                       \
    F(PQerrorMessage, char *, (const PGconn *c), (c))                                              \
    F(PQpass, char *, (const PGconn *c), (c))                                                      \
    F(PQserverVersion, int, (const PGconn *c), (c))                                                \
    F(PQsetnonblocking, int, (PGconn * c, int a), (c, a))                                          \
    F(PQsendQuery, int, (PGconn * c, const char *q), (c, q))                                       \
    F(PQsetSingleRowMode, int, (PGconn * c), (c))                                                  \
    F(PQflush, int, (PGconn * c), (c))                                                             \
    F(PQconsumeInput, int, (PGconn * c), (c))                                                      \
    F(PQisBusy, int, (PGconn * c), (c))                                                            \
    F(PQgetResult, PGresult *, (PGconn * c), (c))                                                  \
    F(PQresultStatus, int, (const PGresult *r), (r))                                               \
    F(PQresultErrorField, char *, (const PGresult *r, int f), (r, f))                              \
    F(PQresultErrorMessage, char *, (const PGresult *r), (r))                                      \
    F(PQntuples, int, (const PGresult *r), (r))                                                    \
    F(PQnfields, int, (const PGresult *r), (r))                                                    \
    F(PQgetvalue, char *, (const PGresult *r, int t, int f), (r, t, f))                            \
    F(PQgetlength, int, (const PGresult *r, int t, int f), (r, t, f))                              \
    F(PQgetisnull, int, (const PGresult *r, int t, int f), (r, t, f))                              \
    F(PQgetCopyData, int, (PGconn * c, char **b, int a), (c, b, a))                                \
    F(PQputCopyData, int, (PGconn * c, const char *b, int n), (c, b, n))                           \
    F(PQputCopyEnd, int, (PGconn * c, const char *e), (c, e))                                      \
    F(PQconninfoParse, PQconninfoOption *, (const char *i, char **e), (i, e))

// The same for those that return nothing.
#define PROCEDURES                                                                                 \
    F(PQfinish, void, (PGconn * c), (c))                                                           \
    F(PQclear, void, (PGresult * r), (r))                                                          \
    F(PQfreemem, void, (void *p), (p))                                                             \
    F(PQconninfoFree, void, (PQconninfoOption * o), (o))

typedef void (*Processor)(void *, const char *);

static struct {
#define F(name, result, parameters, arguments) result(*name) parameters;
    FUNCTIONS PROCEDURES
#undef F
    Processor (*PQsetNoticeProcessor)(PGconn *, Processor, void *);
} table;

static const char *failure;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        failure = dlerror();
        if (failure == NULL) failure = "libpq.so.5 cannot be opened";
        return;
    }
#define F(name, result, parameters, arguments)                                                     \
    *(void **)&table.name = dlsym(library, #name);                                                 \
    if (table.name == NULL) failure = "libpq.so.5 lacks " #name;
    FUNCTIONS PROCEDURES
    F(PQsetNoticeProcessor, , , )
#undef F
}

const char *cpostgres_load(void) {
    pthread_once(&once, load);
    return failure;
}

#define F(name, result, parameters, arguments)                                                     \
    result cpostgres_##name parameters { return table.name arguments; }
FUNCTIONS
#undef F

#define F(name, result, parameters, arguments)                                                     \
    result cpostgres_##name parameters { table.name arguments; }
PROCEDURES
#undef F

void cpostgres_PQsetNoticeProcessor(PGconn *conn, Processor processor, void *argument) {
    table.PQsetNoticeProcessor(conn, processor, argument);
}
