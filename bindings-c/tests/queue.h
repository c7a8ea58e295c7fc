/* A completion queue, as an event loop has it. */
#ifndef QUEUE_H
#define QUEUE_H

#include "support.h"

#include <poll.h>

static inline bool readable(const xiezhen_queue *queue, int ms) {
  struct pollfd wanted = {xiezhen_queue_fd(queue), POLLIN, 0};
  return poll(&wanted, 1, ms) == 1 && wanted.revents == POLLIN;
}

static inline xiezhen_queue *new_queue(void) {
  xiezhen_queue *queue = NULL;
  OK(xiezhen_queue_new(&queue, error));
  return queue;
}

/* What comes next, as an event loop gets it. */
static inline xiezhen_completion *next(const xiezhen_queue *queue) {
  for (;;) {
    CHECK(readable(queue, 30000));
    /* A line of a log alone is heard, and leaves nothing. */
    xiezhen_completion *completion = xiezhen_queue_next(queue);
    if (completion) return completion;
  }
}

/* The end of the one call that is pending, which must be a success. */
static inline xiezhen_completion *last(const xiezhen_queue *queue, void *tag) {
  xiezhen_completion *completion = next(queue);
  CHECK(xiezhen_completion_tag(completion) == tag && xiezhen_completion_is_last(completion));
  if (xiezhen_completion_error(completion))
    fprintf(stderr, "%s\n", xiezhen_error_message(xiezhen_completion_error(completion)));
  CHECK(xiezhen_completion_status(completion) == XIEZHEN_OK && !xiezhen_completion_error(completion));
  return completion;
}

#endif
