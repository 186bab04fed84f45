# Warnings and hardening (style appendix C). PGRMON_WERROR is on in CI only.
option(PGRMON_WERROR "treat warnings as errors" OFF)
option(PGRMON_SANITIZE "build with AddressSanitizer and UBSan" OFF)

add_library(pgrmon_flags INTERFACE)
target_compile_definitions(pgrmon_flags INTERFACE _GNU_SOURCE)
target_compile_options(pgrmon_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wformat=2 -Wimplicit-fallthrough -Wvla -Wundef -Wcast-qual
    -Wpointer-arith -Wwrite-strings -Wdouble-promotion
    -Werror=implicit-function-declaration -Werror=return-type
    -Werror=incompatible-pointer-types
    -fstack-protector-strong -fstack-clash-protection -fvisibility=hidden
    -fno-omit-frame-pointer)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(pgrmon_flags INTERFACE
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
else()
    target_compile_options(pgrmon_flags INTERFACE -Wcomma -Wunreachable-code)
endif()
if(PGRMON_WERROR)
    target_compile_options(pgrmon_flags INTERFACE -Werror)
endif()
if(PGRMON_SANITIZE)
    target_compile_options(pgrmon_flags INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(pgrmon_flags INTERFACE -fsanitize=address,undefined)
else()
    target_compile_options(pgrmon_flags INTERFACE
        $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
endif()
target_link_options(pgrmon_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now)

math(EXPR PGRMON_VERSION_NUMBER
     "${PROJECT_VERSION_MAJOR} * 10000 + ${PROJECT_VERSION_MINOR} * 100 + ${PROJECT_VERSION_PATCH}")
target_compile_definitions(pgrmon_flags INTERFACE
    PGRMON_VERSION="${PROJECT_VERSION}" PGRMON_VERSION_NUMBER=${PGRMON_VERSION_NUMBER})
