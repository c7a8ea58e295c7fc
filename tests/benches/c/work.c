/* One piece of work by one side, in a process of its own: `work WORK <xiezhen|curl> URL TIMES [POLLS or PATH]`. Prints
 * the CPU time in µs and the growth of the resident memory's peak in bytes. */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double cpu_before;
static long resident;

void must(int fine, const char *what) {
  if (!fine) {
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
  }
}

void task_id(char *into, size_t size, int number) {
  snprintf(into, size, "7e1cac92-e348-4c90-ac66-%012d", number);
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_sec * 1e6 +
         (double)usage.ru_stime.tv_usec;
}

/* A line of /proc/self/status, in bytes. */
static long memory(const char *name) {
  char line[256];
  long found = 0;
  FILE *status = fopen("/proc/self/status", "r");
  must(status != NULL, "/proc/self/status");
  while (fgets(line, sizeof line, status))
    if (strncmp(line, name, strlen(name)) == 0) found = atol(line + strlen(name) + 1) * 1024;
  fclose(status);
  return found;
}

static void begin(void) {
  FILE *file = fopen("/proc/self/clear_refs", "w");
  if (file) {
    fputs("5", file);
    fclose(file);
  }
  resident = memory("VmRSS");
  cpu_before = cpu();
}

int main(int count, char **arguments) {
  if (count < 5) return 2;
  struct order order = {arguments[1], arguments[3], atoi(arguments[4]), count > 5 ? arguments[5] : ""};
  if (strcmp(arguments[2], "xiezhen") == 0)
    by_xiezhen(&order, begin);
  else
    by_hand(&order, begin);
  double spent = cpu() - cpu_before;
  printf("{\"cpu\": %f, \"growth\": %ld}\n", spent, memory("VmHWM") - resident);
  return 0;
}
