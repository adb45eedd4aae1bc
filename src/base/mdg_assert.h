/* mdg_assert.h: bugs. mdg_assert is on in debug, test and fuzz builds
 * (-DMDG_ASSERTS=1); mdg_never marks what is believed impossible and is handled
 * all the same. */
#ifndef MDG_ASSERT_H
#define MDG_ASSERT_H

#if defined(MDG_ASSERTS) && MDG_ASSERTS
#define mdg_assert(x) ((x) ? (void)0 : __builtin_trap())
#define mdg_never(x)  ((x) ? (__builtin_trap(), 1) : 0)
#else
#define mdg_assert(x) ((void)0)
#define mdg_never(x)  (x)
#endif

#endif
