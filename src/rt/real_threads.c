/* Threads for work that blocks: files and the store. The loop hands them jobs and hears of their
 * end through an eventfd. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
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

struct job_queue {
    struct job *first;
    struct job **end;
};

struct thread_pool {
    struct real *world;
    const char *name;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job_queue todo;     /* under lock */
    struct job_queue finished; /* under lock */
    bool stop;                 /* under lock */
    unsigned idle;             /* under lock: threads waiting for work */
    unsigned queued;           /* under lock: jobs in `todo` */
    pthread_t threads[THREADS_MAX];
    unsigned started;
    unsigned most;
    struct job *spare; /* the loop's alone */
    struct event *event;
    int fd;
};

static void queue_init(struct job_queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_push(struct job_queue *q, struct job *j)
{
    j->next = NULL;
    *q->end = j;
    q->end = &j->next;
}

static struct job *queue_pop(struct job_queue *q)
{
    struct job *j = q->first;
    if (j != NULL) {
        q->first = j->next;
        if (q->first == NULL) {
            q->end = &q->first;
        }
    }
    return j;
}

static void *thread_main(void *arg)
{
    struct thread_pool *p = arg;
    pthread_setname_np(pthread_self(), p->name);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct job *j = queue_pop(&p->todo);
        if (j == NULL) {
            if (p->stop) {
                break;
            }
            p->idle++;
            pthread_cond_wait(&p->work, &p->lock);
            p->idle--;
            continue;
        }
        p->queued--;
        pthread_mutex_unlock(&p->lock);
        j->result = j->fn(j->arg);
        pthread_mutex_lock(&p->lock);
        bool first = p->finished.first == NULL;
        queue_push(&p->finished, j);
        if (first) {
            uint64_t one = 1;
            ssize_t r = write(p->fd, &one, sizeof one);
            (void)r; /* cannot fail: the counter does not overflow */
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void deliver(struct thread_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct job *j = p->finished.first;
    queue_init(&p->finished);
    pthread_mutex_unlock(&p->lock);
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
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    queue_init(&p->todo);
    queue_init(&p->finished);
    p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->event = event_new(w->base, p->fd, EV_READ | EV_PERSIST | EV_ET, on_finished, p);
    if (p->fd < 0 || p->event == NULL || event_add(p->event, NULL) != 0) {
        fatal("cannot make a thread pool: %s", strerror(errno));
    }
    return p;
}

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
    pthread_mutex_lock(&p->lock);
    queue_push(&p->todo, j);
    p->queued++;
    bool enough = p->idle >= p->queued;
    pthread_mutex_unlock(&p->lock);
    if (!enough && p->started < p->most) {
        start_thread(p);
    } else {
        pthread_cond_signal(&p->work);
    }
}

struct thread_pool *thread_pool_free(struct thread_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
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
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}
