/* tests/c/test_tls_none.c - TLS as a build without OpenSSL has it. */
#undef CIT_HAVE_OPENSSL
#include "net/tls.c" /* NOLINT: this build of it is tested */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_tls_none.h"
