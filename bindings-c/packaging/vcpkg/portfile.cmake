# An overlay port that builds libxiezhen from the checkout that it lies in: vcpkg install xiezhen --overlay-ports=bindings-c/packaging/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_program(CARGO cargo HINTS "$ENV{HOME}/.cargo/bin" REQUIRED)
find_program(MAKE make REQUIRED)

foreach(build IN ITEMS release debug)
  if(DEFINED VCPKG_BUILD_TYPE AND NOT VCPKG_BUILD_TYPE STREQUAL build)
    continue()
  endif()
  set(into "${CURRENT_PACKAGES_DIR}")
  if(build STREQUAL "debug")
    set(into "${CURRENT_PACKAGES_DIR}/debug")
  endif()
  vcpkg_execute_required_process(
    COMMAND "${MAKE}" -C bindings-c install "PROFILE=${build}" "DESTDIR=${into}" PREFIX=/
      "CARGO_TARGET_DIR=${CURRENT_BUILDTREES_DIR}/cargo"
    WORKING_DIRECTORY "${SOURCE_PATH}"
    LOGNAME "install-${build}")
endforeach()

if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
  file(GLOB unwanted "${CURRENT_PACKAGES_DIR}/lib/libxiezhen.so*" "${CURRENT_PACKAGES_DIR}/debug/lib/libxiezhen.so*")
else()
  file(GLOB unwanted "${CURRENT_PACKAGES_DIR}/lib/libxiezhen.a" "${CURRENT_PACKAGES_DIR}/debug/lib/libxiezhen.a"
    "${CURRENT_PACKAGES_DIR}/lib/pkgconfig/xiezhen-static.pc" "${CURRENT_PACKAGES_DIR}/debug/lib/pkgconfig/xiezhen-static.pc")
endif()
if(unwanted)
  file(REMOVE ${unwanted})
endif()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/xiezhen)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE")
