/* What both sides of every piece of work share. */
#ifndef WORK_H
#define WORK_H
#include <stddef.h>

#define CONNECTIONS 64
#define TASK "7e1cac92-e348-4c90-ac66-0fc1050c9146"

/* One piece of work: `warm_up` is not measured. */
struct order {
  const char *work, *url;
  int times;
  const char *rest;
};

void must(int fine, const char *what);
void task_id(char *into, size_t size, int number);

/* Both do what the order says, and call `begin` when they are warm. */
void by_xiezhen(const struct order *order, void (*begin)(void));
void by_hand(const struct order *order, void (*begin)(void));
#endif
