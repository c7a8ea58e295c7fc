/* For tests of what is refused. */
#ifndef REFUSED_H
#define REFUSED_H

#include "support.h"

static int refusals;

/* Refused with a message, and without one asked for. */
#define REFUSED(call)                                                                                                  \
  do {                                                                                                                 \
    xiezhen_error *refusal = NULL;                                                                                     \
    xiezhen_error **error = &refusal;                                                                                  \
    if ((call) != XIEZHEN_INVALID_ARGUMENT) {                                                                          \
      fprintf(stderr, "%s:%d: not refused: %s\n", __FILE__, __LINE__, #call);                                          \
      exit(1);                                                                                                         \
    }                                                                                                                  \
    CHECK(xiezhen_error_status(refusal) == XIEZHEN_INVALID_ARGUMENT && *xiezhen_error_message(refusal));               \
    xiezhen_error_free(refusal);                                                                                       \
    error = NULL;                                                                                                      \
    CHECK((call) == XIEZHEN_INVALID_ARGUMENT);                                                                         \
    refusals++;                                                                                                        \
  } while (0)

/* No UTF-8. */
static const char *const BAD = "\xff\xfe";

#endif
