"""A class server: JupyterHub with a copy of the course for each student.

    jupyterhub -f hub/jupyterhub_config.py                         for a machine's users
    CLASS_USERS=pretend jupyterhub -f hub/jupyterhub_config.py     to try it by yourself

README.md, beside this file, says how to install it, and what it keeps apart.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"

c = get_config()  # noqa: F821 - JupyterHub runs this file, and has the name ready

# What may be set from outside.
users = os.environ.get("CLASS_USERS", "system")
if users not in ("system", "pretend"):
    raise ValueError(f"CLASS_USERS is {users!r}; it must be system or pretend.")
pretend = users == "pretend"
port = int(os.environ.get("CLASS_PORT", "8000"))
memory = float(os.environ.get("CLASS_MEMORY", "2"))  # GiB of one process
state = Path(os.environ.get("CLASS_STATE", BUILD / "hub")).resolve()

# The proxy, which all come through, and what the hub remembers.
state.mkdir(parents=True, exist_ok=True, mode=0o700)
proxy = BUILD / "node_modules" / ".bin" / "configurable-http-proxy"
c.ConfigurableHTTPProxy.command = [str(proxy) if proxy.exists() else proxy.name]
c.ConfigurableHTTPProxy.pid_file = str(state / "proxy.pid")
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 1}"
c.JupyterHub.hub_port = port + 2
c.JupyterHub.cookie_secret_file = str(state / "cookie_secret")
c.JupyterHub.db_url = f"sqlite:///{state / 'hub.sqlite'}"

# This machine only: passwords need a certificate before they cross a network.
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"

# Who comes in, and as whom their programs run.
if pretend:
    # Everybody is one user of the system, with no wall between them, and any password.
    c.JupyterHub.authenticator_class = "dummy"
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(state / "homes" / "{username}")
else:
    # Accounts of the machine, with its passwords; the hub must be root to become them.
    c.JupyterHub.authenticator_class = "pam"
    c.LocalAuthenticator.allowed_groups = {os.environ.get("CLASS_GROUP", "students")}
    c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"

# The server of a student.
c.Spawner.cmd = [sys.executable, str(HERE / "student.py"), str(memory)]
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab/tree/course/00_start_here.ipynb"
c.Spawner.start_timeout = c.Spawner.http_timeout = 120  # a whole class comes at once
# One thread each: threads that wait for each other spin, which slows everybody down.
c.Spawner.environment = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "GOMP_SPINCOUNT": "10000",
    "COURSE_OFFLINE": "yes",
}

# Kernels listen in files of their student, and not at ports: where a whole class starts
# kernels at once, two would choose the same port, and one would not come up. What is
# left open gives its memory back: a kernel whose page is closed after half an hour, a
# server after two.
c.Spawner.args = [
    "--KernelManager.transport=ipc",
    "--MappingKernelManager.cull_idle_timeout=1800",
    "--MappingKernelManager.cull_interval=300",
]
if pretend and os.geteuid() == 0:  # in a container one is often root
    c.Spawner.args.append("--allow-root")
c.JupyterHub.load_roles = [
    {
        "name": "culler",
        "scopes": [
            "list:users",
            "read:users:activity",
            "read:servers",
            "delete:servers",
        ],
        "services": ["culler"],
    }
]
c.JupyterHub.services = [
    {
        "name": "culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=7200"],
    }
]
