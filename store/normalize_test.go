package store

import "testing"

func TestNormalizeFunction(t *testing.T) {
	for in, want := range map[string]string{
		// Generated at run time.
		"app.F$$Lambda$14/0x0000000800c8b440.run":                            "app.F$$Lambda.run",
		"app.F$$Lambda/0x00007f1c5c001000.apply":                             "app.F$$Lambda.apply",
		"app.F$$Lambda+0x00007f1c5c001000.apply":                             "app.F$$Lambda.apply",
		"app.F$$Lambda.0x00007f1c5c001000.apply":                             "app.F$$Lambda.apply",
		"app.F$$Lambda$14.run":                                               "app.F$$Lambda.run",
		"app.F$$Lambda$14/1234567.run":                                       "app.F$$Lambda.run",
		"jdk.internal.reflect.GeneratedMethodAccessor123.invoke":             "jdk.internal.reflect.GeneratedMethodAccessor.invoke",
		"sun.reflect.GeneratedConstructorAccessor7.newInstance":              "sun.reflect.GeneratedConstructorAccessor.newInstance",
		"sun.reflect.GeneratedSerializationConstructorAccessor1.newInstance": "sun.reflect.GeneratedSerializationConstructorAccessor.newInstance",
		"com.sun.proxy.$Proxy12.call":                                        "com.sun.proxy.$Proxy.call",
		"java.lang.invoke.LambdaForm$MH/0x0000000800c03000.invoke":           "java.lang.invoke.LambdaForm$MH.invoke",
		"java.lang.invoke.LambdaForm$DMH/1234.invokeStatic":                  "java.lang.invoke.LambdaForm$DMH.invokeStatic",
		"app.Hidden/0x0000000800c8b440.m":                                    "app.Hidden.m",
		"app.Hidden+0x0000000800c8b440":                                      "app.Hidden",
		"app.Hidden+0x8c3f1234.run":                                          "app.Hidden.run",
		// Written by people, or by other tools: kept.
		"":                                         "",
		"app.Main.main":                            "app.Main.main",
		"app.Main$1.run":                           "app.Main$1.run",
		"app.Main.lambda$main$0":                   "app.Main.lambda$main$0",
		"app.$Proxy12Factory.make":                 "app.$Proxy12Factory.make",
		"app.GeneratedMethodAccessors.x":           "app.GeneratedMethodAccessors.x",
		"libc.so.6+0x28d90":                        "libc.so.6+0x28d90",
		"chrome+0x10a2b3c4":                        "chrome+0x10a2b3c4",
		"libxul.so+0xfedcba9876543210":             "libxul.so+0xfedcba9876543210",
		"0xdeadbeefcafe":                           "0xdeadbeefcafe",
		"main.f0x12345678":                         "main.f0x12345678",
		"gopkg.in/yaml.v3.(*Decoder).Decode":       "gopkg.in/yaml.v3.(*Decoder).Decode",
		"app.Service$$EnhancerBySpringCGLIB$$1a2b": "app.Service$$EnhancerBySpringCGLIB$$1a2b",
	} {
		if got := NormalizeFunction(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzNormalizeFunction(f *testing.F) {
	for _, s := range []string{"a$$Lambda$1/0x1.b", "$Proxy1/0x2", "LambdaForm$MH/1/0x3+0x44444444", "GeneratedMethodAccessor1$$Lambda$2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := NormalizeFunction(s)
		if len(once) > len(s) {
			t.Errorf("%q grew to %q", s, once)
		}
		if twice := NormalizeFunction(once); twice != once {
			t.Errorf("%q became %q, then %q", s, once, twice)
		}
	})
}
