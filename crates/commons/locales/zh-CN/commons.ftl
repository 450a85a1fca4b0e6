# 表格
sheet-file-too-large = 文件“{ $file }”超过 { $mebibytes } MB。请删去图片和多余的工作表后重新上传。
sheet-too-large = 文件“{ $file }”的内容过大，无法读取。请删去多余的工作表和内容，或者分成几个文件上传。
sheet-too-many-rows = 文件“{ $file }”超过 { $rows } 行。请分成几个文件上传。
sheet-too-many-columns = 文件“{ $file }”超过 { $columns } 列。请删去多余的列后重新上传。
sheet-broken = 文件“{ $file }”已损坏，无法读取。请用表格软件打开，另存为 xlsx 后重新上传。
sheet-password = 文件“{ $file }”设有密码。请取消密码后重新上传。
sheet-old-excel = 文件“{ $file }”是旧版 Excel 格式（xls）。请另存为 xlsx 后重新上传。
sheet-not-a-table = 文件“{ $file }”不是表格。请上传 xlsx 或者 csv 文件。
sheet-encoding = 无法识别文件“{ $file }”的文字编码。请另存为 xlsx，或者 UTF-8 编码的 csv。
sheet-nothing = 文件“{ $file }”中没有内容。
sheet-cell-too-long = 文件“{ $file }”的单元格 { $cell } 文字过长。请检查引号是否成对。
sheet-no-header = 没有找到表头。表头应有这些列：{ $columns }。
sheet-columns-missing = 表头缺少这些列：{ $columns }。
sheet-column-twice = 列“{ $column }”出现两次，另一处在 { $other }。请只保留一列。
sheet-cell-empty = 不能为空。
sheet-cell-not-a-date = “{ $value }”不是日期。请写成 2026-01-31 的形式。
sheet-export-too-large = 内容超过一个工作表的上限。请缩小范围后再导出，或者改用 csv。

# 业务包
pack-not-understood = 业务包内容有误：{ $detail }
pack-code = 业务包编码“{ $code }”只能用小写字母、数字和连字符，并以字母开头。
pack-code-twice = 业务包编码“{ $code }”已用于文件“{ $other }”。
pack-name-empty = 业务包的中文名称和英文名称都不能为空。
pack-version = 业务包版本只能用字母、数字、点和连字符，不能为空。
pack-table-unknown = 没有功能读取“{ $table }”这一节。请检查拼写。
pack-holiday-date = “{ $date }”不是 { $year } 年放假通知中的日期。请写成 2026-01-31 的形式。
pack-holiday-both = { $date } 既列为放假，又列为上班。

# 文件
file-damaged = 文件内容与保存时不一致，可能已损坏，请联系管理员从备份中恢复。文件摘要：{ $sha256 }
file-too-large = 文件超过 { $mebibytes } MB。
file-store-away = 文件存储暂时不可用，请稍后再试。原因：{ $reason }
file-store-not-opened = 无法打开文件存储“{ $place }”：{ $reason }
disk-full = 服务器磁盘已满，内容没有保存。请联系管理员清理磁盘后再试。

# 证件号码
id-number-length = 公民身份号码应为 18 位，现有 { $length } 位。请对照身份证重新填写。
id-number-character = 公民身份号码第 { $place } 位不对：前 17 位应为数字，首位不能是 0，末位可以是 X。请对照身份证改正。
id-number-date = 公民身份号码中的出生日期 { $date } 不存在。请对照身份证改正第 7 至 14 位。
id-number-future = 公民身份号码中的出生日期 { $date } 晚于今天。请对照身份证改正第 7 至 14 位。
id-number-check = 公民身份号码的校验码不符，其中至少有一位写错。请对照身份证逐位核对。
id-number-old = 这个 15 位号码无法换算成 18 位。请填写 18 位公民身份号码。
id-number-converted = 15 位号码已换算为 18 位：{ $number }。请核对。
credit-code-length = 统一社会信用代码应为 18 位，现有 { $length } 位。请对照证书重新填写。
credit-code-character = 统一社会信用代码第 { $place } 位不能是“{ $character }”：不使用字母 I、O、S、V、Z，第 3 至 8 位应为数字。请对照证书改正。
credit-code-check = 统一社会信用代码的校验码不符，其中至少有一位写错。请对照证书逐位核对。
mobile-character = 手机号码第 { $place } 位不是数字。请改正。
mobile-length = 手机号码应为 11 位，现有 { $length } 位。请改正。
mobile-beginning = 手机号码应以 13 至 19 开头。请改正。

# 任免审批表
lrmx-too-large = 文件“{ $file }”超过 { $mebibytes } MB。请压缩照片后重新保存。
lrmx-too-many = 文件“{ $file }”的内容过多，不像一份干部任免审批表。请用任免审批表编辑器打开，重新保存后再上传。
lrmx-other = 文件“{ $file }”不是干部任免审批表（lrmx）。请用任免审批表编辑器导出 lrmx 文件。
lrmx-old = 文件“{ $file }”是旧版任免审批表（lrm）。请用新版任免审批表编辑器打开，另存为 lrmx 后重新上传。
lrmx-broken = 文件“{ $file }”第 { $line } 行附近已损坏，无法读取。请用任免审批表编辑器打开，重新保存后再上传。
lrmx-doctype = 文件“{ $file }”含有不允许的文档类型定义，没有读取。请用任免审批表编辑器重新导出。
lrmx-empty = 文件“{ $file }”没有填写任何内容。
lrmx-field-too-long = 文件“{ $file }”的“{ $field }”一栏超过 { $characters } 字。请删减后重新上传。
lrmx-photo-too-large = 文件“{ $file }”中的照片超过 { $mebibytes } MB。请换一张较小的照片。
lrmx-photo-broken = 照片无法读取，没有采用；其他内容不受影响。需要时请另行上传照片。
pack-secrecy-word = 保密提醒用词“{ $word }”至少要有两个字，例外说法里要包含这个词。

# 密级
pack-secrecy-level = 密级“{ $code }”有误：代码须由小写字母、数字和连字符组成且不重复，国家秘密排在最后，默认密级只有一个且不是国家秘密。
pack-secrecy-usual = 密级中没有指明默认密级。请给其中一级写上 usual = true。
secrecy-highest = 没有可用的密级“{ $code }”。设置 highest-level 请填：{ $codes }。
secrecy-level-unknown = 没有这个密级。请从列出的密级中选择。
secrecy-level-above = 本系统最高只能存放“{ $most }”的记录，不能存放“{ $level }”。请在单位批准的办公系统或纸质台账登记；确需在本系统存放的，由系统管理员按规定调整。
secrecy-level-classified = “{ $level }”属于国家秘密，不得录入本系统。请停止录入，改在涉密计算机上办理，并告知本单位保密工作机构。

# 上传文件的内容
contents-too-large = 文件解压后超过 { $mebibytes } MB 或包含的部分过多，没有读取。请拆成较小的文件再上传。

# 表单
form-circle = 表单 { $form } 间接继承了自己
form-too-deep = 表单继承的层数太多
form-base-unknown = 没有可继承的表单 { $form } 第 { $version } 版
form-too-long = 一张表单最多 { $most } 项
form-empty = 表单里没有任何一项
form-code = 代码 { $code } 只能用小写字母、数字和连字符，以字母开头
form-section = 部分代码 { $code } 写错或重复
form-item-twice = 项目代码 { $code } 已经用过
form-stricter-unknown = 没有继承到这一项，不能加严
form-not-stricter = 继承的项目只能加严，不能放宽
form-text-empty = 缺少中文或英文的内容
form-points = 分值应在 0 到 { $most } 之间
form-options-alike = 选项代码重复或写错
form-options-few = 至少要有两个选项
form-share = 选项的得分比例应在 0 到 1000 之间
form-share-out-of-reach = 这些选项拿不到满分
form-threshold = 阈值写错：上下限颠倒、为负或超过分值
form-text-length = 字数上限应在 1 到 20000 之间
form-not-scored = 文字和日期不能计分
form-item-unknown = 表单里没有这一项
form-missing = 这一项必须填写
form-why-not = 不适用的，请写明原因
form-evidence = 这一项要附佐证材料
form-text-most = 最多 { $most } 个字
form-files-most = 最多附 { $most } 个文件
form-number = 应是 0 到 { $most } 之间的整数
form-score = 得分应在 0 到 { $most } 之间
form-answer-unknown = 这不是该项可以填的答案
