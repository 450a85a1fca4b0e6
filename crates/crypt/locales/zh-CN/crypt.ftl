# 密钥文件
keyring-missing = 找不到密钥文件“{ $path }”。首次使用请先生成；如果以前用过，请从另行保管的副本中恢复，不要重新生成，否则已加密的数据无法读取。
keyring-exists = 密钥文件“{ $path }”已经存在，没有覆盖。如需更换密钥，请使用轮换。
keyring-unreadable = 无法读取密钥文件“{ $path }”：{ $reason }。请检查文件的属主和权限。
keyring-unwritable = 无法写入密钥文件“{ $path }”：{ $reason }。原有密钥没有变化。
keyring-under-way = 另一次密钥操作正在进行，或者上次中途停止。如果确定没有正在进行的操作，请删除“{ $path }”后再试。
keyring-line = 密钥文件“{ $path }”第 { $line } 行有误或已损坏。请从另行保管的副本中恢复。
keyring-incomplete = 密钥文件“{ $path }”不完整：缺少索引密钥，或者没有指明启用哪个主密钥。请从另行保管的副本中恢复。
keyring-algorithm-line = 密钥文件“{ $path }”第 { $line } 行的算法“{ $algorithm }”不受支持。请检查密码模块是否已经启用。
keyring-algorithm = 不支持算法“{ $algorithm }”，密钥文件“{ $path }”没有改变。可用的算法：{ $known }。
keyring-mode = 密钥文件“{ $path }”的权限是 { $mode }，其他用户可以读取。请改为 600。

# 加密数据
crypt-erased = 这条记录的个人信息已经清除，不能再写入。
crypt-no-master-key = 密钥文件中没有主密钥“{ $key }”，用它加密的个人信息暂时无法读取。请联系管理员恢复密钥文件。
crypt-other-keyring = 密钥文件“{ $path }”不是这个数据库使用的密钥文件。请换回原来的密钥文件。
