# find_package(xiezhen) gives xiezhen::xiezhen, the shared library, and xiezhen::static. Where only the static one is installed, both
# are that.
# Where /lib is a link into /usr, going up from it would leave /usr.
get_filename_component(_xiezhen_prefix "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
# From <prefix>/lib/cmake/xiezhen, or from <prefix>/share/xiezhen, where vcpkg puts it.
while(NOT EXISTS "${_xiezhen_prefix}/include/xiezhen.h")
  get_filename_component(_xiezhen_parent "${_xiezhen_prefix}" DIRECTORY)
  if(_xiezhen_parent STREQUAL _xiezhen_prefix)
    set(xiezhen_FOUND FALSE)
    set(xiezhen_NOT_FOUND_MESSAGE "include/xiezhen.h is in no folder above ${CMAKE_CURRENT_LIST_DIR}")
    return()
  endif()
  set(_xiezhen_prefix "${_xiezhen_parent}")
endwhile()

if(NOT TARGET xiezhen::xiezhen)
  find_package(Threads REQUIRED)

  add_library(xiezhen::static STATIC IMPORTED)
  set_target_properties(xiezhen::static PROPERTIES
    IMPORTED_LOCATION "${_xiezhen_prefix}/lib/libxiezhen.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_xiezhen_prefix}/include"
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")

  if(EXISTS "${_xiezhen_prefix}/lib/libxiezhen.so")
    add_library(xiezhen::xiezhen SHARED IMPORTED)
    set_target_properties(xiezhen::xiezhen PROPERTIES
      IMPORTED_LOCATION "${_xiezhen_prefix}/lib/libxiezhen.so"
      INTERFACE_INCLUDE_DIRECTORIES "${_xiezhen_prefix}/include")
  else()
    add_library(xiezhen::xiezhen INTERFACE IMPORTED)
    set_target_properties(xiezhen::xiezhen PROPERTIES INTERFACE_LINK_LIBRARIES xiezhen::static)
  endif()
endif()
unset(_xiezhen_parent)
unset(_xiezhen_prefix)
