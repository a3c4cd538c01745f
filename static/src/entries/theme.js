// The one blocking script: sets the theme before the first paint. Shares no module with the others.
import { startTheme } from "../behaviors/theme.js";

startTheme();
