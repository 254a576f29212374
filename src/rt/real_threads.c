/* Threads for work that blocks: files and the store. The loop hands them jobs and hears of their
 * end through an eventfd.
 *
 * The loop never waits for a thread, which may have lost the processor at any point: it takes no
 * lock that one may hold. Nor does it signal a condition variable, where the C library has the
 * signaller wait until those that were woken earlier have run. Jobs go to and fro on stacks that
 * are pushed onto one by one and taken as a whole, and a semaphore counts those that are to be
 * done. Threads after the first are started by threads, since making one may wait for all that
 * change the process's memory. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fatal.h"
#include "rt/real_impl.h"

#define THREADS_MAX       8
#define THREAD_STACK_SIZE ((size_t)256 * 1024)

struct job {
    struct job *next;
    int (*fn)(void *arg);
    void (*done)(void *arg, int result);
    void *arg;
    int result;
};

struct thread_pool {
    struct real *world;
    const char *name;
    _Atomic(struct job *) posted;   /* by the loop, newest first */
    _Atomic(struct job *) finished; /* by the threads, newest first */
    sem_t work;             /* jobs that no thread has come for, and threads that are to end */
    pthread_mutex_t taking; /* among threads */
    struct job *todo;       /* under `taking`: oldest first */
    pthread_t threads[THREADS_MAX]; /* and what follows: under `taking` once there is one */
    unsigned started;
    unsigned busy; /* with a job */
    unsigned most;
    bool begun;        /* the loop's alone: the first one was started */
    struct job *spare; /* likewise */
    struct event *event;
    int fd;
};

/* Was there none before? */
static bool push(_Atomic(struct job *) *stack, struct job *j)
{
    struct job *below = atomic_load_explicit(stack, memory_order_relaxed);

    do {
        j->next = below;
    } while (!atomic_compare_exchange_weak_explicit(stack, &below, j, memory_order_release,
                                                    memory_order_relaxed));
    return below == NULL;
}

/* All of them, oldest first. */
static struct job *take_all(_Atomic(struct job *) *stack)
{
    struct job *newest = atomic_exchange_explicit(stack, NULL, memory_order_acquire);
    struct job *oldest = NULL;

    while (newest != NULL) {
        struct job *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void *thread_main(void *arg);

/* Signals are the main thread's business. */
static void start_thread(struct thread_pool *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK_SIZE);
    int r = pthread_create(&p->threads[p->started], &attr, thread_main, p);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0) {
        p->started++;
    } else if (p->started == 0) {
        fatal("cannot start a thread: %s", strerror(r));
    }
}

static void wait_for_work(struct thread_pool *p)
{
    while (sem_wait(&p->work) < 0) {
        if (errno != EINTR) {
            panic("sem_wait: %s", strerror(errno));
        }
    }
}

/* The oldest job; NULL when there is none for the one who was woken, who is to end. Whoever takes a
 * job sees to it that another thread waits for the next one, which the job may keep waiting else.
 */
static struct job *take_job(struct thread_pool *p)
{
    pthread_mutex_lock(&p->taking);
    if (p->todo == NULL) {
        p->todo = take_all(&p->posted);
    }
    struct job *j = p->todo;
    if (j != NULL) {
        p->todo = j->next;
        p->busy++;
        if (p->busy == p->started && p->started < p->most) {
            start_thread(p);
        }
    }
    pthread_mutex_unlock(&p->taking);
    return j;
}

static void finish(struct thread_pool *p, struct job *j)
{
    pthread_mutex_lock(&p->taking);
    p->busy--;
    pthread_mutex_unlock(&p->taking);
    if (push(&p->finished, j)) {
        uint64_t one = 1;
        ssize_t r = write(p->fd, &one, sizeof one);
        (void)r; /* cannot fail: the counter does not overflow */
    }
}

static struct job *next_job(struct thread_pool *p)
{
    wait_for_work(p);
    return take_job(p);
}

static void *thread_main(void *arg)
{
    struct thread_pool *p = arg;
    struct job *j;

    pthread_setname_np(pthread_self(), p->name);
    while ((j = next_job(p)) != NULL) {
        j->result = j->fn(j->arg);
        finish(p, j);
    }
    return NULL;
}

static void deliver(struct thread_pool *p)
{
    struct job *j = take_all(&p->finished);

    while (j != NULL) {
        struct job *next = j->next;
        j->done(j->arg, j->result);
        j->next = p->spare;
        p->spare = j;
        j = next;
    }
}

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
    struct thread_pool *p = arg;
    (void)what;
    uint64_t n;
    ssize_t r = read((int)fd, &n, sizeof n);
    (void)r;
    real_tick(p->world);
    deliver(p);
}

struct thread_pool *thread_pool_new(struct real *w, const char *name, unsigned threads)
{
    struct thread_pool *p = xcalloc(1, sizeof(*p));
    p->world = w;
    p->name = name;
    p->most = threads < THREADS_MAX ? threads : THREADS_MAX;
    pthread_mutex_init(&p->taking, NULL);
    p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->event = event_new(w->base, p->fd, EV_READ | EV_PERSIST | EV_ET, on_finished, p);
    if (sem_init(&p->work, 0, 0) < 0 || p->fd < 0 || p->event == NULL ||
        event_add(p->event, NULL) != 0) {
        fatal("cannot make a thread pool: %s", strerror(errno));
    }
    return p;
}

/* Never blocks. */
static void wake_one(struct thread_pool *p)
{
    if (sem_post(&p->work) < 0) {
        panic("sem_post: %s", strerror(errno));
    }
}

void thread_pool_post(struct thread_pool *p, int (*fn)(void *), void (*done)(void *, int),
                      void *arg)
{
    struct job *j = p->spare;
    if (j != NULL) {
        p->spare = j->next;
    } else {
        j = xmalloc(sizeof(*j));
    }
    *j = (struct job){.fn = fn, .done = done, .arg = arg};
    push(&p->posted, j);
    if (!p->begun) { /* nobody holds the lock yet */
        p->begun = true;
        start_thread(p);
    }
    wake_one(p);
}

struct thread_pool *thread_pool_free(struct thread_pool *p)
{
    pthread_mutex_lock(&p->taking);
    p->most = 0;
    pthread_mutex_unlock(&p->taking);
    for (unsigned i = 0; i < p->started; i++) {
        wake_one(p); /* all jobs have been counted before */
    }
    for (unsigned i = 0; i < p->started; i++) {
        pthread_join(p->threads[i], NULL);
    }
    deliver(p);
    while (p->spare != NULL) {
        struct job *j = p->spare;
        p->spare = j->next;
        free(j);
    }
    event_free(p->event);
    close(p->fd);
    sem_destroy(&p->work);
    pthread_mutex_destroy(&p->taking);
    free(p);
    return NULL;
}
