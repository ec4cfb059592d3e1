/* support.h - what the tests of net/ share: waiting with a deadline, addresses from text. */
#ifndef TESTS_NET_SUPPORT_H
#define TESTS_NET_SUPPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"

/* cmocka.h wants these before it. */
#include <setjmp.h>

#include <cmocka.h>

/* How long anything may take that should happen at once, on a loaded machine. */
#define SOON_MS 20000

/* Runs the loop until *count reaches `wanted`. Fails the test when that takes longer than SOON_MS.
 */
void wait_for(struct net_loop *loop, const unsigned *count, unsigned wanted);

struct net_address address_of(const char *text);
void assert_address(const struct net_address *address, const char *text);

#endif
