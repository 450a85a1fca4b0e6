# 命令行

cli-error = 错误：
cli-not-found = 所需的内容不存在。
cli-busy = 系统繁忙，请稍后再试。
cli-internal = 程序或者运行环境有故障：{ $reason }
mail-setting = 设置了 mail-url，还需要设置 { $setting }。
config-value = 设置 { $setting } 的值“{ $value }”不正确，应为：{ $expected }。
config-file-unreadable = 不能读取设置文件 { $file }：{ $reason }
config-file-wrong = 设置文件 { $file } 第 { $line } 行不正确：{ $reason }
config-key-unknown = 设置文件 { $file } 第 { $line } 行的“{ $key }”不是设置项。可用：{ $known }。
listen-in-use = 地址 { $address } 已被其他程序占用。请停止该程序，或者用 --listen 指定其他地址。
listen-failed = 不能监听地址 { $address }：{ $reason }
not-written = 不能写入 { $path }：{ $reason }
file-unreadable = 不能读取 { $file }：{ $reason }
key-unreadable = 不能读取签名密钥 { $file }：{ $reason }。请从保管处恢复该文件；确已丢失时，移走它，再运行 suneng init 生成新的密钥。
checkpoint-unreadable = 检查点 { $name } 不能读取：{ $reason }
pack-folder-unreadable = 不能读取业务包：{ $reason }
database-missing = 没有数据库 { $file }。请先运行 suneng init，或者用 --data 指定数据目录。
database-not-migrated = 数据库结构需要升级（{ $count } 步）。请先备份，再运行 suneng migrate，或者启动服务，由服务自动升级。

init-done = 数据目录 { $data } 已就绪，数据库 { $database }，本次升级 { $migrations } 步。
init-key = 台账签名密钥：{ $file }。请另行妥善保管一份，备份中不含此文件。
init-admin = { $role }：{ $login }，一次性密码：{ $password }（只显示这一次，首次登录后须修改）。
bench-not-empty = 测速会在数据库中留下数据，请给它一个空的 PostgreSQL 数据库。
init-unit = 已建立最上级单位：{ $name }（编码 { $code }）。
migrate-done = 数据库结构已是最新，本次升级 { $count } 步。

import-unit-added = 新增单位
import-unit-changed = 修改单位
import-unit-moved = 调整单位
import-person-added = 新增人员
import-person-renamed = 更正姓名
import-person-moved = 变更任职
import-would = 预览：将变更 { $changed } 项，{ $unchanged } 项不变。未写入。
import-done = 已导入：变更 { $changed } 项，{ $unchanged } 项不变。

backup-name = 备份文件名应以 .tar 或者 .tar.gz 结尾：{ $file }
backup-exists = { $file } 已存在，不会覆盖。请换一个文件名。
backup-done = 已备份到 { $file }：数据 { $rows } 行，附件 { $files } 个，台账 { $size } 条。签名密钥不在其中。
backup-damaged = 附件 { $sha256 } 在备份之前已经损坏，按现状保存。请从较早的备份找回。
archive-unreadable = 不能读取备份 { $file }：{ $reason }
archive-damaged = 备份 { $file } 已损坏：{ $entry } 与清单不符。请使用另一份备份。
archive-newer = 备份由较新的版本 { $version } 生成，请使用该版本恢复。
restore-not-empty = 数据库 { $database } 不是空的。只能恢复到空的数据目录（--data）或者空的数据库。
restore-done = 已恢复版本 { $version } 的备份：数据 { $rows } 行，附件 { $files } 个，台账 { $size } 条。
restore-new-log = 附件存储中有比备份更新的检查点，台账已另起新日志，核验时会注明。
restore-other-root = 恢复后的台账与备份清单不一致。

verify-ledger = 台账 { $log }：已封存 { $size } 条，树根 { $root }，待封存 { $tail } 条。
verify-earlier = 此前的日志 { $log }，到第 { $size } 条为止，原因：{ $reason }。
verify-compared = 已比对检查点 { $checkpoints } 个，重新计算汇总 { $rollups } 项。
verify-computing = 有 { $count } 项汇总正在计算，未纳入核对。
verify-files = 已核对附件 { $count } 个。
verify-problem = 问题：{ $problem }
verify-file-damaged = 附件 { $sha256 } 的内容已损坏。
verify-well = 核验通过，没有发现问题。
verify-bad = 核验未通过。请保留现场，不要再写入，并与备份比对。

doctor-source-flag = 参数
doctor-source-environment = 环境变量
doctor-source-file = 文件
doctor-source-default = 默认
doctor-folder = 数据目录 { $folder } 可以写入。
doctor-folder-bad = 数据目录 { $folder } 不能写入：{ $reason }。请先运行 suneng init，并检查目录的所有者。
doctor-disk = 磁盘剩余 { $mebibytes } MiB。
doctor-disk-low = 磁盘只剩 { $mebibytes } MiB，请尽快清理。
doctor-packs = 业务包 { $count } 个，没有错误。
doctor-files = 附件可以写入：{ $place }
doctor-database = 数据库可用，写入有保障：{ $settings }
doctor-database-unsafe = 数据库的写入没有保障，断电时会丢失已确认的内容，请更正：{ $settings }
doctor-migrations = 数据库结构是最新的。
doctor-clock = 时钟正常。
doctor-clock-back = 时钟比台账最后一条记录早 { $seconds } 秒，请校准系统时间。
doctor-tail = 待封存 { $count } 条，最早的已等待 { $seconds } 秒。
doctor-tail-old = 待封存 { $count } 条，最早的已等待 { $seconds } 秒。请确认服务正在运行。
doctor-address-free = 地址 { $address } 空闲。
doctor-address-ours = 地址 { $address } 上的服务正常应答。

demo-filling = 正在建立演示数据（虚构的澜州市司法局，两年学习记录），约需半分钟……
demo-accounts = 演示账号（账号 密码 角色）：
demo-not-empty = { $folder } 中已有别的数据，或上次建立演示数据时被中断。请换一个目录，或删除后重试。
init-no-unit = 还没有单位，请用 --unit-name 指定最上级单位。
verify-audit = 审计记录：核对 { $entries } 条，待链接 { $waiting } 条；末条编号 { $size }，链头 { $head }

tls-file-unnamed = 使用 --tls files 须指定 --{ $setting }。
tls-file-wrong = { $file } 不能用于 TLS：{ $reason }
tls-authority = 本地证书机构的证书：{ $file }，也可从 https://{ $address }/ca.crt 下载。核对 SHA-256 指纹后，在每台电脑上安装为受信任的根证书颁发机构：{ $fingerprint }

init-keyring = 加密个人信息的密钥文件：{ $file }。请另外保存一份，与备份分开；丢失后个人信息无法读取。最好放到与数据库不同的介质上，用 --keyring 指定。
backup-keyring = 备份中没有密钥文件 { $file }。没有它，备份中的个人信息无法读取：请另外保存一份，与备份分开。
restore-keyring = 启动服务以前，请把保管的密钥文件放到 { $file }。
keys-master = { $id } { $algorithm }，{ $records } 条记录
keys-active = { $id } { $algorithm }，{ $records } 条记录，正在使用
keys-unknown = 密钥文件中没有 { $id }：{ $records } 条记录无法读取
keys-rotated = 新的主密钥 { $id }（{ $algorithm }）。请立即把密钥文件复制到保管处和其他节点。
keys-progress = 已重新加密 { $done } 条记录的密钥，还剩 { $left } 条
keys-done = 全部记录的密钥都已改由正在使用的主密钥加密。旧的主密钥留在密钥文件中，用于以前的备份。
doctor-keyring = 密钥文件 { $file }：{ $masters } 个主密钥，正在使用 { $active }。
doctor-keyring-new = 还没有密钥文件，启动时生成 { $file }。
doctor-keyring-beside = 密钥文件与数据库在同一目录，磁盘被盗时一并丢失。请移到其他介质上，用 --keyring 指定。
doctor-keyring-unknown = { $records } 条记录由主密钥 { $id } 加密，密钥文件中没有它。请恢复保管的密钥文件。
doctor-keyring-left = { $records } 条记录的密钥仍由旧的主密钥加密；服务运行时会继续，也可以运行 suneng keys rotate。
doctor-job-failed = 后台任务 { $kind } 失败 { $attempts } 次，将会重试：{ $reason }
doctor-backup = 最近的自动备份：{ $file }，{ $hours } 小时前。
doctor-backup-none = { $folder } 中还没有自动备份。
doctor-backup-old = 最近的自动备份 { $file } 是 { $hours } 小时前的。请查看日志和磁盘空间。
