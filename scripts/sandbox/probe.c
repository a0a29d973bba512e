// A decoder for tests of the sandbox: the first byte of the data says what it does.

#include "sandbox.h"

#include <stdlib.h>

__attribute__((noinline)) static int endless(volatile int n) {
	volatile char large[4096];
	large[n % sizeof large] = n;
	return endless(n + 1) + large[n % sizeof large];
}

__attribute__((noinline)) static int step(volatile int n) { return n + 1; }

static struct picture *eat(void) {
	for (;;) {
		uint8_t *volatile more = malloc(1 << 20);
		if (!more) {
			fail("no memory");
		}
	}
}

struct picture *EXPORT(decode)(const uint8_t *data, size_t length, uint32_t number) {
	static int runs;
	struct picture *p;
	switch (length ? data[0] : 0) {
	case 'f':
		fail("told to fail with %u\n", number);
	case 'a':
		abort();
	case 'x':
		exit(number);
	case 'o':
		return (struct picture *)0xfffffff0;
	case 'd':
		return (struct picture *)endless(1);
	case 'l':
		for (volatile int n = 0;; n = step(n)) {
		}
	case 'm':
		return eat();
	case 'w':
		*(volatile int *)0xfffffff0 = 1;
	}
	p = new_picture(2, 2, LAYOUT_GRAY);
	if (length && data[0] == 'p') {
		p->width = number; // of more pixels than there are
	}
	p->pixels[0] = length;
	p->pixels[1] = number;
	p->pixels[2] = ++runs;
	return p;
}
