// Received by hour: today in front of yesterday. The hour that is not over yet is drawn apart, or
// every full hour would seem to end in a collapse.
import * as echarts from './vendor/echarts.mjs';

const FONT = '"Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif';
const size = (n) => n * parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

export class Trend {
  constructor(box) {
    this.chart = echarts.init(box);
    this.observer = new ResizeObserver(() => { this.chart.resize(); this.drawn = ''; this.#draw(); });
    this.observer.observe(box);
  }

  show(trend, hour, words) {
    Object.assign(this, { trend, hour, words });
    this.#draw();
  }

  close() { this.observer.disconnect(); this.chart.dispose(); }

  #draw() {
    if (!this.trend) return;
    const { trend, hour, words } = this, sign = JSON.stringify([trend, hour, words.locale]);
    if (sign === this.drawn) return;
    this.drawn = sign;
    const text = { color: '#a9bcd1', fontSize: size(16), fontFamily: FONT };
    const line = (name, data, color, width, type, extra = {}) => ({ name, type: 'line', data, showSymbol: false, silent: true, itemStyle: { color }, lineStyle: { color, width: size(width), type }, ...extra });
    const sofar = trend.today.map((n, h) => (h === hour ? n : h === hour - 1 && hour > 0 ? n : null));
    this.chart.setOption({
      animation: false,
      textStyle: { fontFamily: FONT },
      grid: { left: size(4), right: size(14), top: size(38), bottom: size(2), containLabel: true },
      legend: { top: 0, right: size(4), icon: 'roundRect', itemWidth: size(18), itemHeight: size(3), itemGap: size(16), textStyle: text, data: [words.today, words.yesterday] },
      xAxis: { type: 'category', boundaryGap: false, data: trend.today.map((_, h) => h), axisLine: { lineStyle: { color: '#34495f' } }, axisTick: { show: false }, axisLabel: { ...text, interval: (h) => h % 4 === 0, showMaxLabel: false } },
      yAxis: { type: 'value', splitNumber: 3, minInterval: 1, splitLine: { lineStyle: { color: '#1e2f43' } }, axisLabel: text },
      series: [
        line(words.yesterday, trend.yesterday, '#7189a3', 2, 'solid'),
        line(words.today, trend.today.map((n, h) => (h < hour ? n : null)), '#58c4f0', 3, 'solid', { areaStyle: { color: '#58c4f01f' } }),
        line(words.now, sofar, '#58c4f0', 2, 'dotted'),
      ],
    }, { notMerge: true });
  }
}
