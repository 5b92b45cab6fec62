import { createRequire } from 'node:module';
import type { EChartsOption } from 'echarts';
import { trusted, type Html } from './html.ts';

const require = createRequire(import.meta.url);

export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

/**
 * A chart as inline SVG that scales with the page. Colours should be CSS variables (`var(--ink)`), so that one picture fits
 * dark, light and paper. Texts in the options are escaped by the renderer.
 *
 * @param description what the picture shows, for those who do not see it
 */
export function chartSvg(option: EChartsOption, { width, height }: ChartSize, description: string): Html {
  // Loaded when first needed, and as one file: the package's 500 modules take a second through a TypeScript loader.
  const echarts = require('echarts/dist/echarts.min.js') as typeof import('echarts');
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: 'inherit' }, ...option });
    return trusted(cleaned(chart.renderToSVGString(), width, height, description));
  } finally {
    // Or its animation clock keeps the process alive.
    chart.dispose();
  }
}

/** Without what only an interactive chart needs: hover styles, and attributes that name series and items. */
function cleaned(svg: string, width: number, height: number, description: string): string {
  const label = description.replace(/[&<>"]/gu, '');
  return svg
    .replace(/<style[^>]*>[^]*?<\/style>/gu, '')
    .replace(/ (?:ecmeta_\w+|class|pointer-events)="[^"]*"/gu, '')
    .replace(
      /^<svg[^>]*>/u,
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">`,
    )
    .replace(/<rect[^>]*fill="none"><\/rect>\n?/u, '');
}
