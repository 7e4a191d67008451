"""Says in words why the operating system refused something."""

from __future__ import annotations

import errno

from proflow_schemas.language import Message, Text, Texts

_IN_CHINESE = {
    errno.ENOENT: "文件或文件夹不存在",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EISDIR: "这是一个文件夹",
    errno.ENOTDIR: "路径中有一部分不是文件夹",
    errno.EEXIST: "文件已存在",
    errno.ENOSPC: "磁盘空间不足",
    errno.EROFS: "文件系统是只读的",
    errno.ENAMETOOLONG: "名称过长",
    errno.EADDRINUSE: "地址已被占用",
    errno.EADDRNOTAVAIL: "地址不可用",
    errno.ECONNREFUSED: "连接被拒绝",
    errno.ELOOP: "符号链接的层级过多",
}


def reason(error: OSError) -> Message:
    """Return the reason of an error of the operating system: `permission denied`."""
    said = (error.strerror or str(error)).lower().replace("{", "{{").replace("}", "}}")
    text = Text(said, _IN_CHINESE.get(error.errno or 0, "系统错误"))
    return Texts("system", {"error": text})("error")
