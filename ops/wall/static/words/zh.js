// Words on screen, Chinese. Same keys as en.js (a test compares them).
export default {
  locale: 'zh-CN',
  signIn: '请登录，或用带令牌的地址打开大屏', toConsole: '前往值班台登录', loading: '正在载入…',
  simulated: '模拟数据', fictional: '虚构城市',
  live: (s) => `最新数据 ${s} 前`, never: '尚无数据',
  stale: (s) => `不再更新 · ${s}前`,
  why: { offline: '与服务器的连接中断', store: '数据库无响应', quiet: '没有新数据进入' },
  seconds: (n) => `${n} 秒`, minutes: (n) => `${n} 分钟`, hours: (n) => `${n} 小时`, days: (n) => `${n} 天`,
  received: '今日受理', receivedSub: (n) => `接收信号 ${n} 条`,
  inHand: '在办', inHandSub: (n) => `其中超期 ${n} 件`,
  closed: '今日办结', closedSub: (n) => `按期 ${n} 件`,
  rate: '按期办结率', rateSub: '办结与超期在办合计', noRate: '—',
  yellow: '黄灯', yellowSub: '临近时限，已催办', red: '红灯', redSub: '超过时限，已督办',
  unit: '件',
  map: '网格态势', mapSub: '近 24 小时受理', emergencies: (n) => `近一小时特急 ${n} 起`,
  legend: '件 / 网格', none: '0', above: (n) => `≥${n}`,
  pointRed: '红灯', pointYellow: '黄灯', pointEmergency: '特急',
  tip: (n) => `近 24 小时 ${n} 件`, tipLights: (r, y) => `红灯 ${r} · 黄灯 ${y}`,
  lights: '红黄灯督办', lightsSub: (n) => `共 ${n} 件，超期最久在前`,
  noLights: '没有红黄灯案件', over: (s) => `超 ${s}`, left: (s) => `剩 ${s}`,
  alerts: '最新告警', alertsSub: '近 24 小时', noAlerts: '近 24 小时没有告警',
  trend: '24 小时受理趋势', trendSub: '件 / 小时', today: '今日', yesterday: '昨日', now: '本小时（未满）',
  classes: '事件类别', channels: '来源渠道', last24: '近 24 小时', unclassified: '待人工定类',
  kinds: { emergency: '特急', assigned: '派单', yellow: '黄灯', red: '红灯', escalated: '升级', triage: '待研判' },
  clocks: { accept: '受理', dispatch: '派单', sign: '签收', contact: '首次联系', handle: '办理', verify: '核查', followup: '回访', respond: '报到', review: '审批' },
  lang: 'EN', desk: (area) => `${area}值班台`,
  duration(m) {
    const a = Math.abs(m), d = Math.floor(a / 1440), h = Math.floor(a / 60) % 24, n = a % 60;
    return d ? `${d}天${h}时` : h ? `${h}时${n}分` : `${n}分`;
  },
};
