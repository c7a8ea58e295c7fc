// A second translation unit: nothing of the header is defined twice.
#include <xiezhen.hpp>

std::string version_elsewhere();
bool is_quota_error_elsewhere(const xiezhen::Error &error);

std::string version_elsewhere() { return std::string(xiezhen::version()); }

bool is_quota_error_elsewhere(const xiezhen::Error &error) { return error.status() == XIEZHEN_QUOTA; }
