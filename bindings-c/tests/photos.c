/* What is said of photos before anything is sent. */
#include "support.h"

/* A picture of the corpus: what it is, what is done to it, and a word of what is said against it. */
static const struct {
  const char *name, *format, *plan;
  uint32_t width, height;
  const char *problem, *remark;
} PICTURES[] = {
    {"good.jpg", "jpeg", "as_is", 520, 560, NULL, NULL},
    {"location.jpg", "jpeg", "cleaned", 520, 560, NULL, "the same as photo 1"},
    {"orientation-6.jpg", "jpeg", "prepared", 560, 520, NULL, NULL},
    {"blurred.jpg", "jpeg", "as_is", 520, 560, NULL, "is blurred"},
    {"small.gif", "gif", "prepared", 130, 140, NULL, "is small (130 × 140 pixels)"},
    {"black.png", "png", "as_is", 520, 560, NULL, "is too dark"},
    {"half.jpg", "jpeg", NULL, 520, 560, "cut short", NULL},
    {"30000-square.png", "png", NULL, 30000, 30000, "pixels", NULL},
    {"some.avif", "avif", NULL, 256, 288, "convert it to JPEG", NULL},
    {"text.jpg", NULL, NULL, 0, 0, "no picture", NULL},
    {"empty.jpg", NULL, NULL, 0, 0, "is empty", NULL},
    {"missing.jpg", NULL, NULL, 0, 0, "No such file", NULL},
};
enum { COUNT = sizeof PICTURES / sizeof PICTURES[0] };

static bool same(const char *text, const char *expected) {
  return text && expected ? strcmp(text, expected) == 0 : !text && !expected;
}

/* Each of `count` texts, one of which has `word` in it; none if there is no word. */
static void says(const xiezhen_photo_report *report, size_t count,
                 const char *(*at)(const xiezhen_photo_report *, size_t), const char *word) {
  bool found = !word;
  for (size_t n = 0; n < count; n++) {
    CHECK(at(report, n) && *at(report, n));
    found = found || strstr(at(report, n), word);
  }
  if (!found) fprintf(stderr, "%s: nobody says \"%s\", but \"%s\"\n", xiezhen_photo_report_path(report), word, at(report, 0));
  CHECK(found && !at(report, count));
}

static const char *corpus(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", environment("PICTURES"), name);
  return path;
}

static void each_picture_has_its_report(void) {
  xiezhen_photo *photos[COUNT];
  for (int n = 0; n < COUNT; n++) OK(xiezhen_photo_from_path(corpus(PICTURES[n].name), &photos[n], error));
  xiezhen_photo_reports *reports = NULL;
  OK(xiezhen_check_photos((const xiezhen_photo *const *)photos, COUNT, &reports, error));
  for (int n = 0; n < COUNT; n++) xiezhen_photo_free(photos[n]);

  CHECK(xiezhen_photo_reports_count(reports) == COUNT && !xiezhen_photo_reports_at(reports, COUNT));
  for (int n = 0; n < COUNT; n++) {
    const xiezhen_photo_report *report = xiezhen_photo_reports_at(reports, (size_t)n);
    CHECK(same(xiezhen_photo_report_path(report), corpus(PICTURES[n].name)));
    CHECK(same(xiezhen_photo_report_format(report), PICTURES[n].format));
    CHECK(same(xiezhen_photo_report_plan(report), PICTURES[n].plan));
    CHECK(xiezhen_photo_report_width(report) == PICTURES[n].width);
    CHECK(xiezhen_photo_report_height(report) == PICTURES[n].height);

    FILE *file = fopen(corpus(PICTURES[n].name), "rb");
    const long size = file ? (fseek(file, 0, SEEK_END), ftell(file)) : 0;
    if (file) fclose(file);
    CHECK(xiezhen_photo_report_bytes(report) == (uint64_t)size);

    const size_t problems = xiezhen_photo_report_problem_count(report);
    CHECK((problems > 0) == !PICTURES[n].plan && (problems > 0) == (PICTURES[n].problem != NULL));
    says(report, problems, xiezhen_photo_report_problem, PICTURES[n].problem);
    says(report, xiezhen_photo_report_remark_count(report), xiezhen_photo_report_remark, PICTURES[n].remark);
  }
  xiezhen_photo_reports_free(reports);
}

/* The same bytes twice: the second is told of the first. */
static void photos_from_memory(void) {
  FILE *file = fopen(photo_path(1), "rb");
  CHECK(file);
  static unsigned char data[1 << 20];
  const size_t size = fread(data, 1, sizeof data, file);
  fclose(file);
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_bytes(data, size, &photo, error));
  const xiezhen_photo *twice[] = {photo, photo};
  xiezhen_photo_reports *reports = NULL;
  OK(xiezhen_check_photos(twice, 2, &reports, error));
  const xiezhen_photo_report *second = xiezhen_photo_reports_at(reports, 1);
  CHECK(!xiezhen_photo_report_path(second) && xiezhen_photo_report_bytes(second) == size);
  CHECK(xiezhen_photo_report_remark_count(xiezhen_photo_reports_at(reports, 0)) == 0);
  CHECK(xiezhen_photo_report_remark_count(second) == 1 && xiezhen_photo_report_problem_count(second) == 0);
  CHECK(strstr(xiezhen_photo_report_remark(second, 0), "is the same as photo 1"));
  xiezhen_photo_reports_free(reports);
  xiezhen_photo_free(photo);
}

int main(void) {
  each_picture_has_its_report();
  photos_from_memory();
  printf("photos: ok\n");
  return 0;
}
