from pathlib import Path

import xiezhen

reports = xiezhen.check_photos(sorted(Path("photos").glob("*.jpg")))  # no client, nothing is sent
for report in reports:
    print(report.path, report.size, report.plan, *report.problems, *report.remarks, sep="; ")
good = [report.path for report in reports if not report.problems and not report.remarks]
print(len(good), "of", len(reports), "photos are good")
