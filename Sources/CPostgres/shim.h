// libpq for PostgresStore. Only what Swift cannot express stands here.
#pragma once
#include <libpq-fe.h>

// The PG_DIAG_* macros are characters, which Swift does not import as the int that
// PQresultErrorField takes.
static inline const char *trunkline_pg_sqlstate(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}
static inline const char *trunkline_pg_primary_message(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}
static inline const char *trunkline_pg_detail(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
}
