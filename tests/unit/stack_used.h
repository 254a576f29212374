/* How much stack a function needs: tasks have little of it. */
#pragma once

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* Octets of stack that fn(arg) touches in a thread of its own, beyond what any thread does. */
static inline size_t stack_of_thread(void *(*fn)(void *arg), void *arg)
{
    const size_t size = 1 << 20;
    unsigned char *stack =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    pthread_attr_t attributes;
    pthread_t thread;
    size_t untouched = 0;

    assert_true(stack != MAP_FAILED);
    memset(stack, 0xa5, size);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, size), 0);
    assert_int_equal(pthread_create(&thread, &attributes, fn, arg), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_attr_destroy(&attributes), 0);
    while (stack[untouched] == 0xa5) {
        untouched++;
    }
    munmap(stack, size);
    return size - untouched;
}

static inline void *stack_nothing(void *arg)
{
    return arg;
}

static inline size_t stack_used(void *(*fn)(void *arg), void *arg)
{
    const size_t least = stack_of_thread(stack_nothing, NULL);
    const size_t all = stack_of_thread(fn, arg);

    return all > least ? all - least : 0;
}
