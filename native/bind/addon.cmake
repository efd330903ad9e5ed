# The addon as cmake-js builds it: `npm run build:cmake`. OpenSSL is the one that the Node process exports, by the headers beside it.
execute_process(COMMAND node -p "require('node:path').resolve(process.execPath, '../../include/node')"
  OUTPUT_VARIABLE NODE_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT EXISTS ${NODE_INCLUDE}/openssl/evp.h)
  message(FATAL_ERROR "No OpenSSL headers in ${NODE_INCLUDE}: use a Node that comes with its headers, or npm run build:native")
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
file(GLOB ADDON_SOURCES CONFIGURE_DEPENDS native/core/*.cc native/bind/*.cc)
add_library(tinymls SHARED ${ADDON_SOURCES} ${CMAKE_JS_SRC})
set_target_properties(tinymls PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(tinymls PRIVATE native ${CMAKE_JS_INC} ${NODE_INCLUDE})
target_compile_definitions(tinymls PRIVATE NAPI_VERSION=9 NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS
  NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS OPENSSL_API_COMPAT=30000 OPENSSL_NO_DEPRECATED BUILDING_NODE_EXTENSION)
target_link_libraries(tinymls PRIVATE ${CMAKE_JS_LIB})
if(MSVC)
  target_compile_definitions(tinymls PRIVATE _HAS_EXCEPTIONS=0 NOMINMAX WIN32_LEAN_AND_MEAN)
  target_compile_options(tinymls PRIVATE /Zc:__cplusplus /permissive-)
else()
  target_compile_options(tinymls PRIVATE -Wall -Wextra -Wno-missing-field-initializers -fno-exceptions -fvisibility=hidden
    -fvisibility-inlines-hidden)
endif()
if(APPLE)
  target_link_options(tinymls PRIVATE -undefined dynamic_lookup)
elseif(UNIX)
  target_link_options(tinymls PRIVATE -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete)
endif()
