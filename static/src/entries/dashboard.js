// The dashboard: linking, progress, refreshing, deleting, and the ring of shares.
import { connectAgo, startAges } from "../behaviors/ago.js";
import { connectChart, startChartTheme } from "../behaviors/chart.js";
import { connectCollapse } from "../behaviors/collapse.js";
import { connectDelete } from "../behaviors/delete.js";
import { connectLink } from "../behaviors/link.js";
import { connectProgress } from "../behaviors/progress.js";
import { connectReconnect } from "../behaviors/reconnect.js";
import { connectRefresh } from "../behaviors/refresh.js";
import { connectRefreshAll } from "../behaviors/refresh-all.js";
import { connectRestore } from "../behaviors/restore.js";
import { connectWhy } from "../behaviors/why.js";
import { wirePage } from "../behaviors/wire.js";

wirePage({
  ago: connectAgo,
  chart: connectChart,
  collapse: connectCollapse,
  delete: connectDelete,
  link: connectLink,
  progress: connectProgress,
  reconnect: connectReconnect,
  refresh: connectRefresh,
  "refresh-all": connectRefreshAll,
  restore: connectRestore,
  why: connectWhy,
});
startAges();
startChartTheme();
