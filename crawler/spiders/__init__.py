"""The spiders, where Scrapy users look for them."""
