// What symbol_test.go compiles: calls that are inlined two deep, a template, a
// namespace, and something in C.
#include <cstdio>
#include <string>

extern "C" __attribute__((noinline)) int plain_c(int x) {
  volatile int y = x;
  return y + 1;
}

namespace acme {
template <class T> struct Calc {
  static inline __attribute__((always_inline)) T mix(T r) {
    return (r ^ (r >> 7)) * 2654435761u;
  }
  static inline __attribute__((always_inline)) T step(T r, int i) {
    T m = mix(r);
    return m * 31 + i;
  }
  __attribute__((noinline)) static T run(T x, std::string const &s) {
    T r = x;
    for (int i = 0; i < 3000; i++)
      r = step(r, i);
    return r + s.size();
  }
};
} // namespace acme

int main(int argc, char **) {
  std::string s("abc");
  std::printf("%lu %d\n", acme::Calc<unsigned long>::run(argc, s), plain_c(argc));
}
