// The drawing of curves, apart from the rest: most pages have none.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export { uPlot };
