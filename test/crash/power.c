// Preloaded into a process, keeps a copy (NAME.synced) of each file of a database as it was when it was last synced:
// all that a loss of power is sure to leave.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int ends_with(const char* text, const char* end) {
  size_t length = strlen(text), of_end = strlen(end);
  return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

static int copy_all(int from, const char* path) {
  char octets[65536];
  off_t at = 0;
  ssize_t count;
  int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (to < 0) return -1;
  while ((count = pread(from, octets, sizeof octets, at)) > 0 && pwrite(to, octets, (size_t)count, at) == count)
    at += count;
  close(to);
  return count == 0 ? 0 : -1;
}

static void keep(int file) {
  char link[64], path[PATH_MAX], copy[PATH_MAX + 16], made[PATH_MAX + 16];
  ssize_t length;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  length = readlink(link, path, sizeof path - 1);
  if (length < 0) return;
  path[length] = 0;
  if (!ends_with(path, ".db") && !ends_with(path, ".db-wal")) return;
  snprintf(copy, sizeof copy, "%s.syncing", path);
  snprintf(made, sizeof made, "%s.synced", path);
  // The process may be killed here too: the copy is whole, or that of before.
  if (copy_all(file, copy) == 0) rename(copy, made);
}

static int synced(const char* name, int file) {
  int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int result = sync(file);
  if (result == 0) keep(file);
  return result;
}

int fsync(int file) { return synced("fsync", file); }

int fdatasync(int file) { return synced("fdatasync", file); }
