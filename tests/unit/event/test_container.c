/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lemona/event/attributes.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void assert_str(struct lm_str s, const char *expected)
{
	assert_int_equal(s.len, strlen(expected));
	if (s.len)
		assert_memory_equal(s.data, expected, s.len);
}

static void assert_container(const char *path, const char *runtime, const char *id,
	const char *pod)
{
	struct lm_container container;

	assert_true(lm_container_of(lm_str_from(path), &container));
	assert_str(container.runtime, runtime);
	assert_str(container.id, id);
	assert_str(container.pod, pod);
}

static void assert_none(const char *path)
{
	struct lm_container container;

	assert_false(lm_container_of(lm_str_from(path), &container));
}

static void test_numbered(void **state)
{
	assert_container("/docker/" ID, "docker", ID, "");
	assert_container("/system.slice/docker-" ID ".scope", "docker", ID, "");
	assert_container("/machine.slice/libpod-" ID ".scope", "podman", ID, "");
	assert_container("/machine.slice/libpod-" ID ".scope/container", "podman", ID, "");
	assert_container("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
		".scope", "podman", ID, "");
	assert_container("/libpod_parent/libpod-" ID, "podman", ID, "");
	assert_container("/system.slice/nerdctl-" ID ".scope", "containerd", ID, "");
	assert_container("/ecs/task/" ID, "container", ID, "");
}

static void test_pods(void **state)
{
	assert_container("/kubepods.slice/kubepods-besteffort.slice/"
		"kubepods-besteffort-pod1d2a_33.slice/cri-containerd-" ID ".scope",
		"kubernetes", ID, "1d2a_33");
	assert_container("/kubepods/burstable/pod1d2a-33/" ID, "kubernetes", ID, "1d2a-33");
	assert_container("/kubepods.slice/kubepods-pod77.slice/crio-" ID ".scope", "kubernetes", ID,
		"77");
	/* The same names, and no kubernetes above. */
	assert_container("/system.slice/cri-containerd-" ID ".scope", "containerd", ID, "");
	assert_container("/podium/crio-" ID ".scope", "cri-o", ID, "");
}

static void test_named(void **state)
{
	assert_container("/lxc.payload.web", "lxc", "web", "");
	assert_container("/lxc/web/system.slice/cron.service", "lxc", "web", "");
	assert_container("/lxc.payload/web", "lxc", "web", "");
	assert_container("/machine.slice/machine-web.scope", "systemd-nspawn", "web", "");
	assert_container("/machine.slice/systemd-nspawn@web.service/payload", "systemd-nspawn",
		"web", "");
	assert_container("/machine.slice/machine-qemu\\x2d1\\x2dweb.scope", "libvirt",
		"\\x2d1\\x2dweb", "");
}

/* A container in a container: the one that the process sees itself in. */
static void test_innermost(void **state)
{
	assert_container("/lxc/web/docker/" ID, "docker", ID, "");
	assert_container("/docker/" ID "/lxc.payload.inner/init.scope", "lxc", "inner", "");
}

static void test_none(void **state)
{
	assert_none("");
	assert_none("/");
	assert_none("////");
	assert_none("/system.slice/ssh.service");
	assert_none("/user.slice/user-1000.slice/session-4.scope");
	assert_none("/lxc.monitor.web");
	assert_none("/docker");
	assert_none("/docker/0123");
	/* One digit short, one too many, a capital. */
	assert_none("/docker/123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	assert_none("/docker/" ID "0");
	assert_none("/docker-"
		"A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope");
	assert_none("/system.slice/docker.service");
	/* The monitors of containers are not in them. */
	assert_none("/machine.slice/libpod-conmon-" ID ".scope");
	assert_none("/crio-conmon-" ID ".scope");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbered),
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_innermost),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
