"""What happens to a page once it is fetched: parse, resemble, dedupe, store. Knows neither Scrapy nor RQ."""
