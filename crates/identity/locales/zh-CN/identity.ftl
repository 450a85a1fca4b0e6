identity-refused = 用户名或密码不正确，或者账号已停用。连续 { $most } 次不成功，账号锁定 { $minutes } 分钟。忘记密码请联系本单位系统管理员。
identity-login = 用户名须为 2—32 个小写字母、数字或 . _ - @，以字母或数字开头。
identity-login-taken = 用户名“{ $login }”已被使用，请换一个。
identity-person-taken = 该人员已有账号，每人一个账号。
identity-person-unknown = 管理范围内没有工号为“{ $number }”的在册人员，请核对工号。
identity-password-short = 密码至少 { $shortest } 位，现在是 { $length } 位。
identity-password-long = 密码最多 { $longest } 位。
identity-password-simple = 密码须包含大写字母、小写字母、数字、符号中的至少 { $classes } 种。还没有：{ $upper ->
    [0] 大写字母{" "}
   *[other] {""}
 }{ $lower ->
    [0] 小写字母{" "}
   *[other] {""}
 }{ $digit ->
    [0] 数字{" "}
   *[other] {""}
 }{ $symbol ->
    [0] 符号
   *[other] {""}
 }
identity-password-login = 密码不能包含用户名或工号。
identity-password-same = 新密码不能与当前密码相同。
identity-password-differs = 两次输入的新密码不一致，请重新输入。
identity-password-wrong = 当前密码不正确。连续 { $most } 次不成功，账号锁定 { $minutes } 分钟。
identity-role-code = 角色代码“{ $code }”须由小写字母、数字和连字符组成。
identity-role-twice = 角色“{ $code }”重复。
identity-role-permission = 没有名为“{ $permission }”的权限。
identity-role-unknown = 请选择角色。
identity-unit-unknown = 请选择管理范围内的单位。
identity-grant-ends-before = 截止日期不能早于起始日期。
identity-date = 请填写日期，例如 2026-01-31。
identity-held-outside = 该账号在您的管理范围之外还有角色，请由上级系统管理员处理。
identity-oneself = 不能变更自己的账号和角色，请由其他管理员处理。

identity-brand-line = 政法机关职业素能培育平台
identity-brand-once = 一次录入，处处可用
identity-brand-once-text = 台账、任务、指标、报告都取自同一条记录
identity-brand-open = 数据可追溯
identity-brand-open-text = 点开任何数字，都能看到明细和依据
identity-brand-kept = 记录不丢失
identity-brand-kept-text = 台账密封存证，更正留痕
identity-sign-in-title = 登录
identity-login-label = 用户名
identity-password-label = 密码
identity-sign-in-help = 忘记密码或账号被锁定，请联系本单位系统管理员。
identity-signed-out = 您已退出登录。

identity-must-change = 您正在使用一次性密码，请先设置自己的密码，然后继续使用。
identity-password-change = 修改密码
identity-password-current = 当前密码
identity-password-new = 新密码
identity-password-again = 再次输入新密码
identity-password-rule = 至少 { $shortest } 位，包含大写字母、小写字母、数字、符号中的至少 { $classes } 种，不含用户名和工号，不同于最近 { $history } 次的密码{ $days ->
    [0] 。
   *[other] ；每 { $days } 天更换一次。
 }
identity-password-since = 密码设置于 { $at }
identity-password-changed = 密码已修改，其他设备上的登录已退出。
identity-sessions = 登录中的设备
identity-session-agent = 浏览器
identity-session-address = 网络地址
identity-session-began = 登录时间
identity-session-seen = 最近使用
identity-session-here = 本机
identity-session-unknown = 未知浏览器
identity-sign-out-others = 退出其他设备
identity-others-signed-out = 其他设备上的登录已退出。

identity-account = 账号
identity-accounts = 账号与授权
identity-accounts-search = 用户名、姓名
identity-accounts-empty = 还没有账号
identity-accounts-empty-text = 开通账号并授予角色后，会显示在这里。
identity-account-new = 开通账号
identity-account-open = 开通并生成一次性密码
identity-account-name = 姓名
identity-account-state = 状态
identity-account-opened = 开通于 { $at }
identity-state-active = 正常
identity-state-disabled = 已停用
identity-state-locked = 已锁定
identity-state-new = 待改密
identity-login-hint = 2—32 个小写字母、数字或 . _ - @
identity-person = 工号
identity-person-hint = 账号使用人的工号；设备、接口等技术账号可不填。
identity-cancel = 取消
identity-one-time = 一次性密码
identity-one-time-text = 此密码只显示这一次，离开本页后无法再次查看。
identity-one-time-next = 请当面或通过可靠方式告知使用人。首次登录后须设置自己的密码。
identity-one-time-done = 已记下，返回账号
identity-roles = 角色
identity-roles-none = 没有角色
identity-roles-none-text = 没有角色的账号可以登录，但看不到任何业务数据。
identity-role = 角色
identity-unit = 单位
identity-unit-hint = 对该单位及其下级单位有效
identity-from = 起始日期
identity-to = 截止日期
identity-to-hint = 长期有效的不填
identity-grant = 授予角色
identity-granted = 角色已授予，立即生效。
identity-revoke = 收回
identity-revoke-one = 收回 { $unit } 的角色：{ $role }
identity-revoked = 角色已收回，立即生效。
identity-grant-holds = 有效
identity-grant-later = 未开始
identity-grant-over = 已到期
identity-grant-revoked = 已收回
identity-reset = 重置密码
identity-disable = 停用账号
identity-enable = 启用账号
identity-disabled = 账号已停用，其登录已退出。
identity-enabled = 账号已启用。
identity-consequences = 重置密码和停用账号会立即退出该账号的所有登录。停用后可以再启用。
identity-oneself-note = 这是您自己的账号。为相互制约，角色和状态须由其他管理员变更。

identity-audit = 审计记录
identity-audit-note = 只增不改，逐条链接
identity-audit-export = 导出
identity-audit-from = 从
identity-audit-to = 到
identity-audit-all = 全部操作
identity-audit-at = 时间
identity-audit-login = 账号
identity-audit-action = 操作
identity-audit-action-code = 操作代码
identity-audit-object-kind = 对象类别
identity-audit-object = 对象
identity-audit-detail = 详情
identity-audit-address = 网络地址
identity-action-session-began = 登录
identity-action-session-refused = 登录失败
identity-action-session-ended = 退出登录
identity-action-account-opened = 开通账号
identity-action-account-disabled = 停用账号
identity-action-account-enabled = 启用账号
identity-action-account-locked = 账号锁定
identity-action-password-changed = 修改密码
identity-action-password-refused = 修改密码失败
identity-action-password-reset = 重置密码
identity-action-role-granted = 授予角色
identity-action-role-revoked = 收回角色
identity-action-audit-exported = 导出审计记录
identity-action-activity-recorded = 登记活动
identity-action-activity-corrected = 更正到会情况
identity-action-report-made = 生成报告
identity-action-activity-reversed = 冲正活动
identity-password-used = 不能使用最近 { $count } 次用过的密码。
identity-must-change-old = 密码已使用满 { $days } 天，请先更换，然后继续使用。
identity-activate = 用激活码设置密码
identity-activate-link = 收到了激活码？设置自己的密码
identity-activate-text = 激活码由本单位管理员当面发放，只能使用一次。
identity-activate-who = 用户名或工号
identity-activate-back = 返回登录
identity-activated = 密码已设置，请用新密码登录。
identity-code = 激活码
identity-code-hint = 大小写、空格和连字符都不影响。
identity-code-refused = 用户名、工号或激活码不正确，或者激活码已使用、已过期。连续 { $most } 次不成功，账号锁定 { $minutes } 分钟。需要新的激活码，请当面联系本单位管理员。
identity-code-disabled = 该账号已停用，请先启用，再发放激活码。
identity-code-issue = 发放激活码
identity-code-until = 有效期至
identity-code-use = 在登录页点“收到了激活码”，输入本条上的内容，设置自己的密码。激活码只能使用一次，请勿转交他人。
identity-codes = 激活码
identity-codes-issue = 批量发放激活码
identity-codes-text = 为一个单位及其下级单位的人员生成激活码，打印成条，当面发放。每人一码，{ $days } 天内有效；重新发放后，原来的激活码作废。
identity-codes-unit-hint = 包括其下级单位
identity-codes-all = 也发给已经设置过密码的人员（原密码在激活前仍可使用）
identity-codes-many = 一次最多发放 { $most } 人，请选择下级单位分批发放。
identity-codes-once = 激活码只显示这一次，离开本页后无法再次查看。请现在打印。
identity-codes-done = 已打印，返回
identity-codes-none = 没有需要激活码的人员
identity-codes-none-text = 所选单位有账号的人员都已设置密码，或者还没有开通账号。
identity-codes-again = 选择其他单位
identity-action-account-activated = 激活账号
identity-action-code-issued = 发放激活码
identity-action-code-refused = 激活失败
identity-role-duty = 没有名为“{ $duty }”的职责；可用 system、security、audit。
identity-role-none = 暂不授予
identity-grant-beyond = 只能授予自己在该单位持有的权限；系统、安全、审计管理员的角色由安全管理员授予。
identity-duty-taken = 该账号已担任系统、安全、审计管理员中的另一职责。三员不得兼任，请先收回原角色，或者换一个账号。
identity-duty-hands = 该账号担任系统、安全或审计管理员，须由安全管理员处理。
identity-above = 该账号属于您的上级，或者您的角色由其授予，不能由您处理。
identity-account-unit-hint = 由该单位及其上级的管理员管理此账号
identity-account-then = 开通后请安全管理员授予角色。
identity-action-duty-conflict = 收回兼任的管理员角色
identity-action-audit-expired = 清理到期审计记录
