/* pages.h - what the pages are made of: the files of lab/page/, compiled in as they are. */
#ifndef LAB_PAGES_H
#define LAB_PAGES_H

extern const char lab_page_report_css[];
extern const char lab_page_index_html[];
extern const char lab_page_page_css[];
extern const char lab_page_page_js[];

#endif
