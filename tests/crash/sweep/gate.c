/* Holds a process up before and after everything that the world can see of it.
 *
 * Preloaded. What an embedded engine leaves behind are the bytes it writes to its database; what a
 * worker leaves behind are the messages it sends to the server. Once `gate_open_to` was called, each
 * of them asks first: one byte to the gatekeeper, '<' before and '>' after it, and on it goes when a
 * byte comes back. A process that is killed while it waits for the answer dies at exactly that point.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int gatekeeper = -1;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
/* Nothing was written since the last sync: the next write begins a commit. */
static int between_commits = 1;

void gate_open_to(int descriptor) { gatekeeper = descriptor; }

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t write_to_gatekeeper(const char *byte)
{
    NEXT(write);
    return next(gatekeeper, byte, 1);
}

/* A gatekeeper that is gone has nothing against it. */
static void ask(char when)
{
    int saved = errno;
    char answer;
    pthread_mutex_lock(&one_at_a_time);
    if (write_to_gatekeeper(&when) != 1 || read(gatekeeper, &answer, 1) != 1)
        gatekeeper = -1;
    pthread_mutex_unlock(&one_at_a_time);
    errno = saved;
}

static int of_database(int descriptor)
{
    struct stat status;
    return gatekeeper >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

static void before_sending(int descriptor)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (gatekeeper < 0 || getsockname(descriptor, (struct sockaddr *)&address, &length) != 0)
        return;
    if (address.ss_family == AF_INET || address.ss_family == AF_INET6)
        ask('<');
}

static void before_writing(int descriptor)
{
    if (!of_database(descriptor) || !between_commits)
        return;
    between_commits = 0;
    ask('<');
}

static void after_sync(int descriptor)
{
    if (!of_database(descriptor))
        return;
    between_commits = 1;
    ask('>');
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    NEXT(pwrite);
    before_writing(descriptor);
    return next(descriptor, bytes, size, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset)
{
    NEXT(pwrite64);
    before_writing(descriptor);
    return next(descriptor, bytes, size, offset);
}

int fsync(int descriptor)
{
    NEXT(fsync);
    int result = next(descriptor);
    after_sync(descriptor);
    return result;
}

int fdatasync(int descriptor)
{
    NEXT(fdatasync);
    int result = next(descriptor);
    after_sync(descriptor);
    return result;
}

ssize_t write(int descriptor, const void *bytes, size_t size)
{
    NEXT(write);
    before_sending(descriptor);
    return next(descriptor, bytes, size);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    NEXT(writev);
    before_sending(descriptor);
    return next(descriptor, parts, count);
}

ssize_t send(int descriptor, const void *bytes, size_t size, int flags)
{
    NEXT(send);
    before_sending(descriptor);
    return next(descriptor, bytes, size, flags);
}

ssize_t sendto(int descriptor, const void *bytes, size_t size, int flags,
               const struct sockaddr *address, socklen_t length)
{
    NEXT(sendto);
    before_sending(descriptor);
    return next(descriptor, bytes, size, flags, address, length);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    before_sending(descriptor);
    return next(descriptor, message, flags);
}
