/* test_share.h: how much of a long sweep is run. Sanitizers look for faults of
 * memory, which a part of the cases shows as well, and are ten times slower;
 * what the numbers are is judged by the builds without them. */
#ifndef TEST_SHARE_H
#define TEST_SHARE_H

#if defined(TEST_EMULATED)
#define TEST_SHARE 10
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SHARE 10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SHARE 10
#endif
#endif
#if !defined(TEST_SHARE)
#define TEST_SHARE 1 /* all of it */
#endif

#endif
