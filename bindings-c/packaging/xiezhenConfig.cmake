# find_package(xiezhen) gives xiezhen::xiezhen, the shared library, and xiezhen::static.
# Where /lib is a link into /usr, going up from it would leave /usr.
get_filename_component(_xiezhen_prefix "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
get_filename_component(_xiezhen_prefix "${_xiezhen_prefix}/../../.." ABSOLUTE)

if(NOT TARGET xiezhen::xiezhen)
  find_package(Threads REQUIRED)

  add_library(xiezhen::xiezhen SHARED IMPORTED)
  set_target_properties(xiezhen::xiezhen PROPERTIES
    IMPORTED_LOCATION "${_xiezhen_prefix}/lib/libxiezhen.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_xiezhen_prefix}/include")

  add_library(xiezhen::static STATIC IMPORTED)
  set_target_properties(xiezhen::static PROPERTIES
    IMPORTED_LOCATION "${_xiezhen_prefix}/lib/libxiezhen.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_xiezhen_prefix}/include"
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
endif()
unset(_xiezhen_prefix)
