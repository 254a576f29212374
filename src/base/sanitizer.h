/* WITH_ASAN: is this the build that AddressSanitizer watches? gcc and clang say it differently. */
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
